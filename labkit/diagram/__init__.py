"""The architecture of a lab as a picture, drawn from its template alone."""

from __future__ import annotations

from labkit.assembly import Assembly


def render(assembly: Assembly) -> str:
    """The SVG of a lab's architecture; the same template gives the same bytes.

    It shows what a reader cares about (endpoints, functions, buckets, alarms) and how data flows between them, inside
    the frames of region, VPC and subnets. What only serves the rest (roles, log groups, housekeeping) is counted below.
    """
    from labkit.diagram.boxes import add_boxes
    from labkit.diagram.flows import add_flows
    from labkit.diagram.graph import Graph
    from labkit.diagram.layout import lay_out
    from labkit.diagram.stack import Stack
    from labkit.diagram.svg import draw

    graph = Graph(title=f"Architecture of {assembly.lab}", region=assembly.region)
    stack = Stack(assembly)
    add_boxes(graph, stack)
    add_flows(graph, stack)
    return draw(graph, lay_out(graph))
