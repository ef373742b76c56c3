"""Small drawings for boxes, each in a square of 16 by 16: our own, plain shapes."""

from __future__ import annotations

#: Glyph to SVG shapes drawn in the current stroke colour.
GLYPHS: dict[str, str] = {
    "target": '<circle cx="8" cy="8" r="6"/><circle cx="8" cy="8" r="2.4"/>',
    "hexagon": '<path d="M8 1.8 13.4 5v6L8 14.2 2.6 11V5Z"/><path d="M2.6 5 8 8l5.4-3M8 8v6.2"/>',
    "bucket": '<path d="M2.6 4.2h10.8l-1.5 9.4H4.1Z"/><ellipse cx="8" cy="4.2" rx="5.4" ry="1.6"/>',
    "lambda": '<path d="M4 2.6h2.6L12.4 13.4M7.6 7.2 3.6 13.4"/>',
    "cylinder": '<ellipse cx="8" cy="3.8" rx="5" ry="1.9"/><path d="M3 3.8v8.4c0 1 2.2 1.9 5 1.9s5-.9 5-1.9V3.8"/>'
    '<path d="M3 8c0 1 2.2 1.9 5 1.9S13 9 13 8"/>',
    "table": '<rect x="2.4" y="3" width="11.2" height="10" rx="1"/><path d="M2.4 6.3h11.2M2.4 9.6h11.2M6.6 6.3V13"/>',
    "lens": '<circle cx="6.8" cy="6.8" r="4.3"/><path d="m10 10 4 4"/>',
    "gear": '<circle cx="8" cy="8" r="2.2"/><circle cx="8" cy="8" r="4.6"/>'
    '<path d="M8 1.6v1.8M8 12.6v1.8M1.6 8h1.8M12.6 8h1.8"/>'
    '<path d="M3.5 3.5l1.3 1.3M11.2 11.2l1.3 1.3M3.5 12.5l1.3-1.3M11.2 4.8l1.3-1.3"/>',
    "waves": '<path d="M2 5c2-2 4-2 6 0s4 2 6 0M2 8.4c2-2 4-2 6 0s4 2 6 0M2 11.8c2-2 4-2 6 0s4 2 6 0"/>',
    "fan": '<circle cx="3.6" cy="8" r="1.7"/><path d="M5.3 8h5M5 7l5.6-3.4M5 9l5.6 3.4"/>'
    '<circle cx="12.2" cy="3" r="1.3"/><circle cx="12.2" cy="8" r="1.3"/><circle cx="12.2" cy="13" r="1.3"/>',
    "stack": '<path d="M2.4 4h11.2M2.4 8h11.2M2.4 12h11.2"/><path d="M2.4 4v8M13.6 4v8"/>',
    "rule": '<path d="M2.4 3h11.2L9.4 8.2v5L6.6 11.6V8.2Z"/>',
    "clock": '<circle cx="8" cy="8" r="6"/><path d="M8 4.4V8l2.6 1.8"/>',
    "bell": '<path d="M3.4 11.6V7.4a4.6 4.6 0 0 1 9.2 0v4.2l1 1.2H2.4Z"/><path d="M6.6 14.2h2.8"/>',
    "key": '<circle cx="5" cy="8" r="2.8"/><path d="M7.8 8H14v2.4M11.4 8v1.8"/>',
    "person": '<circle cx="8" cy="5" r="2.7"/><path d="M2.8 13.8c.6-3.2 2.6-4.6 5.2-4.6s4.6 1.4 5.2 4.6Z"/>',
    "page": '<path d="M3.6 1.8h5.8l3 3v9.4H3.6Z"/><path d="M5.8 7h4.4M5.8 9.4h4.4M5.8 11.8h3"/>',
    "plug": '<rect x="3" y="3" width="10" height="7" rx="1"/>'
    '<path d="M5.6 13.8V10M10.4 13.8V10M5.6 5.4v2M8 5.4v2M10.4 5.4v2"/>',
    "box": '<path d="M2.4 5 8 2l5.6 3v6.4L8 14.2l-5.6-2.8Z"/><path d="m2.4 5 5.6 3 5.6-3M8 8v6.2"/>',
    "chain": '<circle cx="3.2" cy="8" r="1.9"/><circle cx="12.8" cy="4" r="1.9"/><circle cx="12.8" cy="12" r="1.9"/>'
    '<path d="M5.1 8h2.6V4h3.2M7.7 8v4h3.2"/>',
    "arrows": '<path d="M9 7 14 2M10.4 2H14v3.6M7 9l-5 5M5.6 14H2v-3.6"/>',
    "dashes": '<path d="M1 8h3.4M6.4 8h3.4M11.8 8H15"/>',
    "link": '<rect x="1.8" y="5.6" width="7" height="4.8" rx="2.4"/>'
    '<rect x="7.2" y="5.6" width="7" height="4.8" rx="2.4"/>',
}
