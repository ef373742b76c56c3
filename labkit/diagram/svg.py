"""A laid-out picture as SVG: plain shapes and text, no script, nothing from elsewhere, the same bytes every time."""

from __future__ import annotations

from xml.sax.saxutils import escape

from labkit.diagram.glyphs import GLYPHS
from labkit.diagram.graph import Chip, Colour, Graph, Node
from labkit.diagram.layout import (
    BOX,
    DETAIL,
    EDGE,
    HEAD,
    ICON,
    LABEL,
    MARGIN,
    ROW,
    STEP,
    TITLE,
    Layout,
    Line,
    Rect,
    row_y,
)
from labkit.diagram.text import fit, width

INK, SOFT, FAINT, PAPER = "#1b2733", "#52616f", "#8795a3", "#ffffff"
COLOURS: dict[Colour, str] = {
    "ml": "#0f766e",
    "compute": "#b45309",
    "storage": "#3f7d20",
    "network": "#6d28d9",
    "message": "#be185d",
    "data": "#1d4ed8",
    "watch": "#9f1239",
    "security": "#b91c1c",
    "delivery": "#0369a1",
    "plain": "#475569",
}
#: Borders and titles of the frames.
REGION, SUBNETS = "#5f6e7d", "#4a6378"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_CHIP = 26


def draw(graph: Graph, layout: Layout) -> str:
    """The picture."""
    region = layout.region
    chips = _chips(graph, region)
    total_width = region.right + MARGIN
    total_height = region.bottom + MARGIN + (max(place.bottom for place, _ in chips) - region.bottom if chips else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(total_width)} {_n(total_height)}" '
        f'width="{_n(total_width)}" height="{_n(total_height)}" role="img" aria-labelledby="title desc" '
        f'font-family="{_FONT}">',
        f'<title id="title">{escape(graph.title)}</title>',
        f'<desc id="desc">{escape(_description(graph))}</desc>',
        _markers(),
        f'<rect width="{_n(total_width)}" height="{_n(total_height)}" rx="10" fill="{PAPER}" stroke="#d5dce3"/>',
        _frame(region, f"AWS region {graph.region}", "", REGION, "#fbfcfd", "none"),
    ]
    if layout.vpc and graph.network:
        network = graph.network
        parts.append(_frame(layout.vpc, network.title, network.details, COLOURS["network"], "#faf8ff", "none"))
        if layout.subnets:
            parts.append(_frame(layout.subnets, network.subnets, "", SUBNETS, "#f3f7fb", "4 3"))
    parts += [_path(line) for line in layout.lines]
    parts += [_box(node, layout.boxes[node.id], layout.texts[node.id]) for node in graph.nodes.values()]
    parts += [_label(line) for line in layout.lines if line.edge.label]
    parts += [_chip(place, chip) for place, chip in chips]
    return "\n".join([*parts, "</svg>", ""])


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _description(graph: Graph) -> str:
    """The picture in words, for who cannot see it."""
    names = {node.id: f"{node.label} {node.title}" for node in graph.nodes.values()}
    where = [f"In the {graph.network.title} ({graph.network.details}): "] if graph.network else []
    if where:
        where[0] += ", ".join(names[node.id] for node in graph.nodes.values() if node.in_vpc) + "."
    flows = [
        f"{names[edge.source]} {'->' if edge.arrow else '-'} {names[edge.target]}"
        + (f" ({edge.label})" if edge.label else "")
        for edge in graph.edges
    ]
    return " ".join([*where, "; ".join(flows) + "." if flows else "No flows."])


def _markers() -> str:
    marker = (
        '<marker id="{}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse" markerUnits="userSpaceOnUse"><path d="M0 0.8 7 4 0 7.2Z" fill="{}"/></marker>'
    )
    return f"<defs>{marker.format('data', SOFT)}{marker.format('control', FAINT)}</defs>"


def _frame(rect: Rect, title: str, details: str, stroke: str, fill: str, dash: str) -> str:
    shape = (
        f'<rect x="{_n(rect.x)}" y="{_n(rect.y)}" width="{_n(rect.width)}" height="{_n(rect.height)}" rx="8" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="1.3"'
        + (f' stroke-dasharray="{dash}"' if dash != "none" else "")
        + "/>"
    )
    room = rect.width - 24
    texts = _text(rect.x + 12, rect.y + 20, fit(title, room, 13.5, bold=True), 13.5, stroke, bold=True)
    if details:
        texts += _text(rect.x + 12, rect.y + 37, fit(details, room, DETAIL), DETAIL, SOFT)
    return shape + texts


def _text(
    x: float,
    y: float,
    text: str,
    size: float,
    fill: str,
    *,
    bold: bool = False,
    halo: bool = False,
) -> str:
    weight = ' font-weight="600"' if bold else ""
    outline = f' stroke="{PAPER}" stroke-width="3.5" stroke-linejoin="round" paint-order="stroke"' if halo else ""
    style = f'font-size="{_n(size)}" fill="{fill}"{weight}{outline}'
    return f'<text x="{_n(x)}" y="{_n(y)}" {style}>{escape(text)}</text>'


def _glyph(name: str, x: float, y: float, colour: str, size: float) -> str:
    scale = size / 24
    return (
        f'<g transform="translate({_n(x)} {_n(y)}) scale({scale:.3f})">'
        f'<rect width="24" height="24" rx="5" fill="{colour}"/>'
        f'<g transform="translate(4 4)" fill="none" stroke="{PAPER}" stroke-width="1.4" stroke-linejoin="round" '
        f'stroke-linecap="round">{GLYPHS[name]}</g></g>'
    )


def _box(node: Node, rect: Rect, details: list[str]) -> str:
    colour = COLOURS[node.colour]
    dash = ' stroke-dasharray="5 3"' if node.outside else ""
    room = rect.width - ICON - 20 - (14 if node.encrypted else 0)
    left = rect.x + ICON + 14
    parts = [
        f"<g><title>{escape(node.id)}</title>",
        f'<rect x="{_n(rect.x)}" y="{_n(rect.y)}" width="{_n(rect.width)}" height="{_n(rect.height)}" rx="7" '
        f'fill="{PAPER}" stroke="{colour}" stroke-width="1.4"{dash}/>',
        _glyph(node.glyph, rect.x + 9, rect.y + 10, colour, 29),
        _text(left, rect.y + 20, fit(node.label, room, LABEL), LABEL, colour),
        _text(left, rect.y + 38, fit(node.title, room, TITLE, bold=True), TITLE, INK, bold=True),
    ]
    for number, line in enumerate(details):
        parts.append(_text(left, rect.y + HEAD + 8 + number * STEP, line, DETAIL, SOFT))
    for row in node.rows:
        y = row_y(rect, node, row)
        parts.append(f'<path d="M{_n(rect.x + 9)} {_n(y - ROW / 2)}H{_n(rect.right - 9)}" stroke="#e4e0f5"/>')
        parts.append(
            f'<circle cx="{_n(rect.right)}" cy="{_n(y)}" r="3.2" fill="{PAPER}" stroke="{colour}" stroke-width="1.3"/>'
        )
        parts.append(_text(rect.x + 14, y + 4, fit(row, BOX - 28, DETAIL), DETAIL, INK))
    if node.encrypted:
        parts.append(_key(rect.right - 19, rect.y + 6))
    return "".join([*parts, "</g>"])


def _key(x: float, y: float) -> str:
    return (
        f'<g transform="translate({_n(x)} {_n(y)}) scale(0.85)" fill="none" stroke="{COLOURS["security"]}" '
        f'stroke-width="1.6" stroke-linecap="round">{GLYPHS["key"]}</g>'
    )


def _path(line: Line) -> str:
    (x, y), *rest = line.points
    steps = [f"M{_n(x)} {_n(y)}"]
    for number, (to_x, to_y) in enumerate(rest):
        if number % 2 == 0:
            half = (to_x - x) / 2
            steps.append(f"C{_n(x + half)} {_n(y)} {_n(to_x - half)} {_n(to_y)} {_n(to_x)} {_n(to_y)}")
        else:
            steps.append(f"H{_n(to_x)}")
        x, y = to_x, to_y
    kind, stroke = ("control", FAINT) if line.edge.dashed else ("data", SOFT)
    dash = ' stroke-dasharray="5 4"' if line.edge.dashed else ""
    end = "start" if line.reversed else "end"
    arrow = f' marker-{end}="url(#{kind})"' if line.edge.arrow else ""
    return f'<path d="{" ".join(steps)}" fill="none" stroke="{stroke}" stroke-width="1.5"{dash}{arrow}/>'


def _label(line: Line) -> str:
    return _text(line.label_x, line.label_y, line.edge.label, EDGE, SOFT, halo=True)


def _chips(graph: Graph, region: Rect) -> list[tuple[Rect, Chip]]:
    """What is only mentioned, in rows below the region; the meaning of the key first."""
    mentioned = [Chip(text, "security", "key") for text in graph.keys]
    if any(edge.dashed and edge.arrow for edge in graph.edges):
        mentioned.append(Chip("steers or watches", "plain", "dashes"))
    mentioned += graph.chips
    placed, x, y = [], region.x, region.bottom + 14
    for chip in mentioned:
        wide = width(chip.text, DETAIL) + _CHIP + 18
        if x > region.x and x + wide > region.right:
            x, y = region.x, y + _CHIP + 8
        placed.append((Rect(x, y, wide, _CHIP), chip))
        x += wide + 8
    return placed


def _chip(rect: Rect, chip: Chip) -> str:
    colour = COLOURS[chip.colour]
    return (
        f'<rect x="{_n(rect.x)}" y="{_n(rect.y)}" width="{_n(rect.width)}" height="{_n(rect.height)}" rx="12" '
        f'fill="#f6f8fa" stroke="#d5dce3"/>'
        f'<g transform="translate({_n(rect.x + 8)} {_n(rect.y + 5.5)}) scale(0.94)" fill="none" stroke="{colour}" '
        f'stroke-width="1.4" stroke-linejoin="round" stroke-linecap="round">{GLYPHS[chip.glyph]}</g>'
        + _text(rect.x + _CHIP + 6, rect.y + 17.5, chip.text, DETAIL, INK)
    )
