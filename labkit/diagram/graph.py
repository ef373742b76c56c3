"""What a picture shows: nodes, edges between them, the network around some of them, and what is only mentioned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: Node that stands for the endpoints of the VPC; its edges start and end at one of its rows.
GATE = "vpc-endpoints"

Colour = Literal["ml", "compute", "storage", "network", "message", "data", "watch", "security", "delivery", "plain"]


@dataclass
class Node:
    """A box.

    ``label`` says what kind of thing it is, ``title`` which one, ``details`` what a reader cares about. ``rows`` are
    lines at which edges end, for a box that lists several things. ``outside`` means that the stack uses but does not
    create it.
    """

    id: str
    label: str
    title: str
    colour: Colour
    glyph: str
    details: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    in_vpc: bool = False
    encrypted: bool = False
    outside: bool = False


@dataclass(frozen=True)
class Edge:
    """A line from one box to another.

    ``dashed`` is for what steers or watches, plain lines for data. ``arrow`` is off for "belongs to". ``source_row``
    and ``target_row`` name the row of a box that has rows.
    """

    source: str
    target: str
    label: str = ""
    dashed: bool = False
    arrow: bool = True
    source_row: str = ""
    target_row: str = ""


@dataclass(frozen=True)
class Chip:
    """Something that is mentioned below the picture."""

    text: str
    colour: Colour
    glyph: str


@dataclass(frozen=True)
class Network:
    """The VPC around the boxes that stand in it."""

    title: str
    details: str
    subnets: str


@dataclass
class Graph:
    """A picture before anything has a place."""

    title: str
    region: str
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    network: Network | None = None
    chips: list[Chip] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def connect(self, edge: Edge) -> None:
        """Add an edge between two boxes that exist; equal edges are one, and their labels join."""
        if edge.source == edge.target or edge.source not in self.nodes or edge.target not in self.nodes:
            return
        for index, other in enumerate(self.edges):
            ends = (other.source, other.target, other.source_row, other.target_row)
            if ends == (edge.source, edge.target, edge.source_row, edge.target_row):
                labels = [
                    label for label in dict.fromkeys([*other.label.split(", "), *edge.label.split(", ")]) if label
                ]
                dashed = other.dashed and edge.dashed
                joined = Edge(*ends[:2], ", ".join(labels), dashed, other.arrow or edge.arrow, *ends[2:])
                self.edges[index] = joined
                return
        self.edges.append(edge)
