"""Where everything stands, in pixels: boxes that never overlap, lines that never run through a box."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from labkit.diagram.graph import Edge, Graph, Node
from labkit.diagram.order import Columns, arrange
from labkit.diagram.text import width, wrap

BOX = 200
ICON = 30
LABEL, TITLE, DETAIL, EDGE = 12.0, 15.0, 12.5, 12.0
ROW, STEP = 21, 16.0
GAP, BEND, PORT = 24, 14, 19
CURVE, BORDER, MARGIN = 38, 16, 20
HEAD = 50
_PASSES = 10


@dataclass(frozen=True)
class Rect:
    """A place, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def around(self, *, left: float, top: float, right: float, bottom: float) -> Rect:
        """The same place with room on each side."""
        return Rect(self.x - left, self.y - top, self.width + left + right, self.height + top + bottom)


@dataclass(frozen=True)
class Line:
    """An edge as points to pass; between them it runs level inside a column and bends between columns.

    ``label_at`` is where the label ends, left of the box on the right side.
    """

    edge: Edge
    points: tuple[tuple[float, float], ...]
    label_x: float
    label_y: float
    reversed: bool


@dataclass
class Layout:
    """A picture with places."""

    boxes: dict[str, Rect] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    vpc: Rect | None = None
    subnets: Rect | None = None
    region: Rect = Rect(0, 0, 0, 0)


def lay_out(graph: Graph) -> Layout:
    """Find the places."""
    columns = arrange(graph)
    layout = Layout(texts={node.id: _wrapped(node) for node in graph.nodes.values()})
    heights = _heights(graph, columns, layout)
    middles = _middles(columns, heights)
    lefts = _lefts(columns)
    for number, column in enumerate(columns.items):
        for item in column:
            top = middles[item] - heights[item] / 2
            layout.boxes[item] = Rect(lefts[number], top, BOX, heights[item])
    _draw_lines(graph, columns, layout)
    layout.boxes = {name: layout.boxes[name] for name in graph.nodes}
    _frames(graph, columns, layout)
    return layout


def _wrapped(node: Node) -> list[str]:
    return [line for detail in node.details for line in wrap(detail, BOX - ICON - 22, DETAIL)]


def row_y(rect: Rect, node: Node, row: str) -> float:
    """The height of a row of a box that lists several things."""
    return rect.y + HEAD + node.rows.index(row) * ROW + ROW / 2


def _heights(graph: Graph, columns: Columns, layout: Layout) -> dict[str, float]:
    heights: dict[str, float] = {item: BEND for column in columns.items for item in column}
    for node in graph.nodes.values():
        ends = [sum(span.stops[side] == node.id for span in columns.spans) if not node.rows else 0 for side in (0, -1)]
        text = HEAD + STEP * len(layout.texts[node.id]) + (6 if layout.texts[node.id] else 0)
        heights[node.id] = max(text + ROW * len(node.rows) + (8 if node.rows else 0), PORT * max(ends) + 14)
    return heights


def _lefts(columns: Columns) -> list[float]:
    """The left edge of each column; between two columns is room for curves, borders and labels."""
    lefts, x = [], float(MARGIN * 2 + (BORDER * 2 if 0 in columns.vpc else 0))
    column_of = columns.column_of()
    for number in range(len(columns.items)):
        lefts.append(x)
        labels = [
            width(span.edge.label, EDGE)
            for span in columns.spans
            if column_of[span.stops[-1]] == number + 1 and span.edge.label
        ]
        borders = 2 * BORDER if columns.vpc and number in (columns.vpc[0] - 1, columns.vpc[-1]) else 0
        x += BOX + CURVE + borders + max(labels, default=0) + 14
    return lefts


def _middles(columns: Columns, heights: dict[str, float]) -> dict[str, float]:
    """The middle of each item: as near to its neighbours as order and gaps allow, the VPC's boxes above the others."""
    near: dict[str, list[str]] = {}
    for span in columns.spans:
        for left, right in zip(span.stops, span.stops[1:], strict=False):
            near.setdefault(left, []).append(right)
            near.setdefault(right, []).append(left)
    top = float(MARGIN * 2 + 26)
    vpc_top = top + (62 if columns.vpc else 0)
    below = 14 + BORDER + GAP
    middles: dict[str, float] = {}
    for column in columns.items:
        y = top
        for item in column:
            middles[item] = y + heights[item] / 2
            y += heights[item] + GAP
    for sweep in range(_PASSES):
        numbers = range(len(columns.items)) if sweep % 2 == 0 else range(len(columns.items) - 1, -1, -1)
        for number in numbers:
            column = columns.items[number]
            bands = [
                ([item for item in column if item in columns.in_vpc], vpc_top),
                ([item for item in column if item not in columns.in_vpc], top),
            ]
            if number in columns.vpc:
                floor = max(middles[item] + heights[item] / 2 for item in columns.in_vpc)
                bands[1] = (bands[1][0], floor + below)
            for band, lower in bands:
                wanted = [_mean([middles[other] for other in near.get(item, [item])]) for item in band]
                middles.update(zip(band, _spread(band, wanted, heights, lower), strict=True))
    # The VPC's boxes may have moved in the last pass: what stands below them in the same columns gives way.
    for number in columns.vpc:
        floor = max(middles[item] + heights[item] / 2 for item in columns.in_vpc) + below
        band = [item for item in columns.items[number] if item not in columns.in_vpc]
        middles.update(zip(band, _spread(band, [middles[item] for item in band], heights, floor), strict=True))
    _close_up(columns, middles, heights, near)
    return {item: round(middle, 1) for item, middle in middles.items()}


def _close_up(
    columns: Columns, middles: dict[str, float], heights: dict[str, float], near: dict[str, list[str]]
) -> None:
    """Let a box without lines stand right above the next one of its column: nothing else tells where it belongs."""
    for number, column in enumerate(columns.items):
        if number not in columns.vpc:
            for item, below in reversed(list(itertools.pairwise(column))):
                if item not in near:
                    middles[item] = middles[below] - (heights[below] + heights[item]) / 2 - GAP


def _spread(band: Sequence[str], wanted: Sequence[float], heights: dict[str, float], lower: float) -> list[float]:
    """Middles in the given order, without overlap, as near to the wanted ones as can be (pool adjacent violators)."""
    offsets, offset = [], 0.0
    for index, item in enumerate(band):
        if index:
            above = band[index - 1]
            gap = GAP if ">" not in item or ">" not in above else 6
            offset += (heights[above] + heights[item]) / 2 + gap
        offsets.append(offset)
    floor = lower + heights[band[0]] / 2 if band else lower
    pools: list[list[float]] = []
    for want, shift in zip(wanted, offsets, strict=True):
        pools.append([max(want - shift, floor), 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            value, weight = pools.pop()
            pools[-1] = [
                (pools[-1][0] * pools[-1][1] + value * weight) / (pools[-1][1] + weight),
                pools[-1][1] + weight,
            ]
    levels = [value for value, weight in pools for _ in range(int(weight))]
    return [level + shift for level, shift in zip(levels, offsets, strict=True)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _draw_lines(graph: Graph, columns: Columns, layout: Layout) -> None:
    """Give every line its own height at each box it touches, in the order in which the lines come."""
    at: dict[tuple[int, int], float] = {}
    for side, other in ((0, 1), (-1, -2)):
        for node in graph.nodes.values():
            mine = [index for index, span in enumerate(columns.spans) if span.stops[side] == node.id]
            mine.sort(key=lambda index: (_middle(layout.boxes[columns.spans[index].stops[other]]), index))
            rect = layout.boxes[node.id]
            for place, index in enumerate(mine):
                span = columns.spans[index]
                left = side == 0
                row = span.edge.source_row if left != span.reversed else span.edge.target_row
                if node.rows and row:
                    at[index, side] = row_y(rect, node, row)
                else:
                    at[index, side] = _middle(rect) + (place - (len(mine) - 1) / 2) * PORT
    for index, span in enumerate(columns.spans):
        first, last = layout.boxes[span.stops[0]], layout.boxes[span.stops[-1]]
        points = [(first.right, at[index, 0])]
        for bend in span.stops[1:-1]:
            rect = layout.boxes[bend]
            points += [(rect.x, _middle(rect)), (rect.right, _middle(rect))]
        run = width(span.edge.label, EDGE) + 14 if span.edge.label else 14
        points += [(last.x - run, at[index, -1]), (last.x, at[index, -1])]
        label_x = last.x - run + 2 if not span.reversed else last.x - run - 2
        layout.lines.append(Line(span.edge, tuple(points), label_x, at[index, -1] - 4, span.reversed))


def _middle(rect: Rect) -> float:
    return rect.y + rect.height / 2


def _hull(rects: Sequence[Rect]) -> Rect:
    x, y = min(rect.x for rect in rects), min(rect.y for rect in rects)
    return Rect(x, y, max(rect.right for rect in rects) - x, max(rect.bottom for rect in rects) - y)


def _frames(graph: Graph, columns: Columns, layout: Layout) -> None:
    """The frames of region, VPC and subnets around what stands in them."""
    rects = list(layout.boxes.values()) or [Rect(MARGIN * 2, MARGIN * 2 + 26, 300, 40)]
    inside = [node for node in graph.nodes.values() if node.in_vpc]
    if inside:
        framed = [layout.boxes[node.id] for node in inside]
        members = [layout.boxes[node.id] for node in inside if not node.rows]
        if members:
            layout.subnets = _hull(members).around(left=14, top=34, right=14, bottom=14)
            framed.append(layout.subnets)
        layout.vpc = _hull(framed).around(left=BORDER, top=52, right=BORDER, bottom=BORDER)
        rects.append(layout.vpc)
    ys = [y for line in layout.lines for _, y in line.points]
    hull = _hull([*rects, Rect(rects[0].x, min(ys), 1, max(ys) - min(ys))] if ys else rects)
    layout.region = hull.around(left=MARGIN, top=44, right=MARGIN, bottom=MARGIN)
    _shift(layout, MARGIN - layout.region.x, MARGIN - layout.region.y)


def _shift(layout: Layout, x: float, y: float) -> None:
    """Move the whole picture to the upper left corner."""

    def moved(rect: Rect) -> Rect:
        return Rect(rect.x + x, rect.y + y, rect.width, rect.height)

    layout.boxes = {name: moved(rect) for name, rect in layout.boxes.items()}
    layout.region = moved(layout.region)
    layout.vpc = moved(layout.vpc) if layout.vpc else None
    layout.subnets = moved(layout.subnets) if layout.subnets else None
    layout.lines = [
        Line(
            line.edge,
            tuple((px + x, py + y) for px, py in line.points),
            line.label_x + x,
            line.label_y + y,
            line.reversed,
        )
        for line in layout.lines
    ]
