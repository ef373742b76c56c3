"""The geometry: nothing overlaps, nothing is cut off, no line runs through a box."""

from __future__ import annotations

import itertools

from labkit.diagram.boxes import add_boxes
from labkit.diagram.flows import add_flows
from labkit.diagram.graph import Edge, Graph, Node
from labkit.diagram.layout import BOX, DETAIL, EDGE, GAP, ICON, PORT, Rect, lay_out
from labkit.diagram.stack import Stack
from labkit.diagram.text import width


def _picture(assembly):
    graph, stack = Graph("title", assembly.region), Stack(assembly)
    add_boxes(graph, stack)
    add_flows(graph, stack)
    return graph, lay_out(graph)


def _apart(one: Rect, two: Rect, *, by: float = 0) -> bool:
    return one.right + by <= two.x or two.right + by <= one.x or one.bottom + by <= two.y or two.bottom + by <= one.y


def _inside(inner: Rect, outer: Rect) -> bool:
    return inner.x >= outer.x and inner.y >= outer.y and inner.right <= outer.right and inner.bottom <= outer.bottom


def test_boxes_never_overlap(every):
    # GIVEN a template
    _, layout = _picture(every)
    # WHEN its boxes have places
    # THEN there is room between any two of them
    for (one, a), (two, b) in itertools.combinations(layout.boxes.items(), 2):
        assert _apart(a, b, by=5), (one, two)


def test_frames_hold_their_own_boxes_and_no_others(every):
    # GIVEN a template
    graph, layout = _picture(every)
    # WHEN its boxes have places
    for node in graph.nodes.values():
        rect = layout.boxes[node.id]
        # THEN a box stands in the region, and in the VPC exactly when it belongs there
        assert _inside(rect, layout.region), node.id
        if layout.vpc:
            assert _inside(rect, layout.vpc) if node.in_vpc else _apart(rect, layout.vpc), node.id
        if layout.subnets:
            belongs = node.in_vpc and not node.rows
            assert _inside(rect, layout.subnets) if belongs else _apart(rect, layout.subnets), node.id
    if layout.subnets and layout.vpc:
        assert _inside(layout.subnets, layout.vpc)
        assert layout.subnets.y - layout.vpc.y > 44, "the VPC's two lines of text need room"


def test_details_stay_inside_their_box(every):
    # GIVEN a template
    graph, layout = _picture(every)
    # WHEN its boxes have places
    for node in graph.nodes.values():
        # THEN every line of text is narrower than the room beside the icon, and there is height for all of them
        lines = layout.texts[node.id]
        assert all(width(line, DETAIL) <= BOX - ICON - 14 for line in lines), node.id
        assert layout.boxes[node.id].height >= 50 + 16 * len(lines) + 21 * len(node.rows), node.id


def test_labels_lie_on_lines_of_their_own(every):
    # GIVEN a template
    _, layout = _picture(every)
    # WHEN its lines have places
    labels = [
        Rect(line.label_x, line.label_y - EDGE, width(line.edge.label, EDGE), EDGE)
        for line in layout.lines
        if line.edge.label
    ]
    # THEN no label lies over another, over a box, or sticks out of the region
    for one, two in itertools.combinations(labels, 2):
        assert _apart(one, two), (one, two)
    for label in labels:
        assert _inside(label, layout.region), label
        assert all(_apart(label, rect) for rect in layout.boxes.values()), label


def test_no_line_runs_through_a_box(every):
    # GIVEN a template
    _, layout = _picture(every)
    # WHEN its lines have places
    for line in layout.lines:
        for (x, y), (to_x, to_y) in itertools.pairwise(line.points):
            way = Rect(min(x, to_x) + 0.5, min(y, to_y) - 0.5, max(abs(to_x - x) - 1, 0), abs(to_y - y) + 1)
            # THEN each piece of a line passes beside every box
            assert all(_apart(way, rect) for rect in layout.boxes.values()), line.edge


def test_lines_end_at_different_heights_of_the_box_that_they_enter(every):
    # GIVEN a template
    graph, layout = _picture(every)
    # WHEN lines enter the same box
    for node in graph.nodes.values():
        ends = [line.points[-1][1] for line in layout.lines if not node.rows and _right_end(line) == node.id]
        # THEN they are a line of text apart
        for one, two in itertools.pairwise(sorted(ends)):
            assert two - one >= PORT - 0.1, node.id


def _right_end(line):
    return line.edge.source if line.reversed else line.edge.target


def test_a_circle_of_lines_is_cut_and_still_drawn():
    # GIVEN three boxes that lead to each other in a circle
    graph = Graph("circle", "us-east-1")
    for name in "abc":
        graph.nodes[name] = Node(name, "Box", name, "plain", "box")
    for ends in ("ab", "bc", "ca"):
        graph.connect(Edge(*ends, label="to"))
    # WHEN they are laid out
    layout = lay_out(graph)
    # THEN all three lines are there and one of them runs backwards
    assert [line.reversed for line in layout.lines] == [False, False, True]


def test_hundreds_of_boxes_keep_their_distance():
    # GIVEN a tangle of two hundred boxes
    graph = Graph("tangle", "us-east-1")
    for number in range(200):
        graph.nodes[str(number)] = Node(str(number), "Box", "Box", "plain", "box", details=["one"] * (number % 4))
    for number in range(1, 200):
        graph.connect(Edge(str(number * 7 % number), str(number), "line"))
        graph.connect(Edge(str(number // 3), str(number)))
    # WHEN they are laid out
    boxes = list(lay_out(graph).boxes.values())
    # THEN none overlaps another
    assert all(_apart(one, two) for one, two in itertools.combinations(boxes, 2))


def test_a_line_out_of_the_vpc_stays_inside_its_frame_until_it_leaves(every):
    # GIVEN a template with a VPC
    graph, layout = _picture(every)
    # WHEN a line starts at a box in the VPC
    for line in layout.lines:
        ends = [graph.nodes[line.edge.source], graph.nodes[line.edge.target]]
        if layout.vpc is None or not any(node.in_vpc for node in ends):
            continue
        for x, y in line.points:
            # THEN its bends between the frame's edges are within the frame's height
            if x < layout.vpc.right - 1:
                assert layout.vpc.y < y < layout.vpc.bottom, line.edge


def test_many_lines_into_one_box_end_on_its_side_in_the_order_in_which_they_come():
    # GIVEN ten boxes that all lead to one
    graph = Graph("fan", "us-east-1")
    for number in range(11):
        graph.nodes[str(number)] = Node(str(number), "Box", "Box", "plain", "box")
    for number in (3, 8, 1, 0, 9, 4, 6, 2, 7, 5):
        graph.connect(Edge(str(number), "10", "to"))
    # WHEN they are laid out
    layout = lay_out(graph)
    # THEN the box is high enough for all, and no two lines cross
    ends = sorted((line.points[0][1], line.points[-1][1]) for line in layout.lines)
    assert [end for _, end in ends] == sorted(end for _, end in ends)
    assert layout.boxes["10"].y < ends[0][1]
    assert ends[-1][1] < layout.boxes["10"].bottom


def test_a_box_without_lines_stands_beside_the_others_of_its_column_and_leaves_no_hole():
    # GIVEN nine boxes that lead to one, two that it leads to, and one that nothing leads to
    graph = Graph("hole", "us-east-1")
    for name in ("alone", "middle", "end", "other end", *"123456789"):
        graph.nodes[name] = Node(name, "Box", "Box", "plain", "box")
    for source, target in (*((name, "middle") for name in "123456789"), ("middle", "end"), ("middle", "other end")):
        graph.connect(Edge(source, target, "to"))
    # WHEN they are laid out
    boxes = lay_out(graph).boxes
    # THEN it stands right above the others at the end, which stand in the middle of what leads to them
    assert boxes["alone"].x == boxes["end"].x
    assert abs(boxes["end"].y - boxes["alone"].bottom - GAP) < 1
    assert boxes["1"].y < boxes["alone"].y
