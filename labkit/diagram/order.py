"""Which column a box stands in, and in which order, so that lines run from left to right and cross seldom."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.diagram.graph import GATE, Edge, Graph

_SWEEPS = 12


@dataclass(frozen=True)
class Span:
    """An edge as the columns see it: from a lower column to a higher one, whichever way its arrow points.

    ``stops`` are the items it passes: the left box, a bend in each column between, the right box.
    """

    edge: Edge
    stops: tuple[str, ...]
    reversed: bool


@dataclass
class Columns:
    """Items by column, in order from top to bottom; an item is a box or a bend of a long line."""

    items: list[list[str]]
    spans: list[Span]
    in_vpc: set[str]
    vpc: range

    def column_of(self) -> dict[str, int]:
        return {item: number for number, column in enumerate(self.items) for item in column}


def arrange(graph: Graph) -> Columns:
    """Columns for every box, the VPC's boxes in neighbouring columns and above all others there."""
    rank = _ranks(graph)
    inside = [rank[node.id] for node in graph.nodes.values() if node.in_vpc]
    vpc = range(min(inside), max(inside) + 1) if inside else range(0)
    columns = Columns([[] for _ in range(max(rank.values(), default=-1) + 1)], [], set(), vpc)
    for node in graph.nodes.values():
        columns.items[rank[node.id]].append(node.id)
        if node.in_vpc:
            columns.in_vpc.add(node.id)
    for edge in graph.edges:
        columns.spans.append(_span(edge, rank, columns))
    _sort(columns)
    return columns


def _forward(graph: Graph) -> list[tuple[str, str]]:
    """The edges with those turned round that would close a circle; boxes in the VPC stand left of its endpoints."""
    after: dict[str, list[str]] = {node: [] for node in graph.nodes}
    for edge in graph.edges:
        after[edge.source].append(edge.target)
    if GATE in graph.nodes:
        for node in graph.nodes.values():
            if node.in_vpc and node.id != GATE:
                after[node.id].insert(0, GATE)
    state: dict[str, int] = {}
    turned: list[tuple[str, str]] = []

    def visit(node: str) -> None:
        state[node] = 1
        for other in after[node]:
            if state.get(other) == 1:
                turned.append((other, node))
            else:
                turned.append((node, other))
                if other not in state:
                    visit(other)
        state[node] = 2

    # The VPC first, then what nothing leads to, so that circles are cut at their natural end.
    led_to = {target for targets in after.values() for target in targets}
    for start in sorted(graph.nodes, key=lambda name: (not graph.nodes[name].in_vpc, name in led_to)):
        if start not in state:
            visit(start)
    return turned


def _ranks(graph: Graph) -> dict[str, int]:
    edges = _forward(graph)
    rank = dict.fromkeys(graph.nodes, 0)
    for _ in graph.nodes:
        for source, target in edges:
            rank[target] = max(rank[target], rank[source] + 1)
    # A box that only gives stands directly before the first that takes from it.
    takers: dict[str, list[str]] = {}
    taking = {target for _, target in edges}
    for source, target in edges:
        takers.setdefault(source, []).append(target)
    for node in graph.nodes:
        if node not in taking and node in takers and not graph.nodes[node].in_vpc:
            rank[node] = min(rank[target] for target in takers[node]) - 1
        elif node not in taking and node not in takers:
            rank[node] = max(rank.values())
    gap = min(rank.values(), default=0)
    return {node: number - gap for node, number in rank.items()}


def _span(edge: Edge, rank: dict[str, int], columns: Columns) -> Span:
    reverse = rank[edge.source] > rank[edge.target]
    left, right = (edge.target, edge.source) if reverse else (edge.source, edge.target)
    bends = []
    for column in range(rank[left] + 1, rank[right]):
        bend = f"{left}>{right}>{edge.label}>{edge.source_row}>{edge.target_row}@{column}"
        bends.append(bend)
        columns.items[column].append(bend)
        if column in columns.vpc and (left in columns.in_vpc or right in columns.in_vpc):
            columns.in_vpc.add(bend)
    return Span(edge, (left, *bends, right), reverse)


def _sort(columns: Columns) -> None:
    """Sweep to and fro, putting each item near the middle of its neighbours; keep the order with fewest crossings."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for span in columns.spans:
        for left, right in zip(span.stops, span.stops[1:], strict=False):
            before.setdefault(right, []).append(left)
            after.setdefault(left, []).append(right)
    for column in columns.items:
        column.sort(key=lambda item: item not in columns.in_vpc)
    best = [list(column) for column in columns.items]
    fewest = _crossings(columns.items, columns.spans)
    for sweep in range(_SWEEPS):
        leftwards = sweep % 2 == 1
        order = range(len(columns.items) - 1, -1, -1) if leftwards else range(len(columns.items))
        for number in order:
            place = {item: (index + 0.5) / len(column) for column in columns.items for index, item in enumerate(column)}
            near = after if leftwards else before

            def key(
                item: str, place: dict[str, float] = place, near: dict[str, list[str]] = near
            ) -> tuple[bool, float]:
                around = [place[other] for other in near.get(item, [])] or [place[item]]
                return item not in columns.in_vpc, sum(around) / len(around)

            columns.items[number].sort(key=key)
        crossings = _crossings(columns.items, columns.spans)
        if crossings < fewest:
            fewest, best = crossings, [list(column) for column in columns.items]
    columns.items = best


def _crossings(items: list[list[str]], spans: list[Span]) -> int:
    place = {item: index for column in items for index, item in enumerate(column)}
    column_of = {item: number for number, column in enumerate(items) for item in column}
    gaps: dict[int, list[tuple[int, int]]] = {}
    for span in spans:
        for left, right in zip(span.stops, span.stops[1:], strict=False):
            gaps.setdefault(column_of[left], []).append((place[left], place[right]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for lines in gaps.values()
        for index, a in enumerate(lines)
        for b in lines[index + 1 :]
    )
