"""No resource waits for itself, however indirectly."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource


def look(resource: Resource, view: View) -> Iterable[Fault]:
    memory = view.memory.setdefault("cycles", None)
    if memory is None:
        memory = {name: cycle for cycle in view.graph.cycles for name in cycle}
        view.memory["cycles"] = memory
    cycle = memory.get(resource.logical_id)
    if cycle is not None:
        nearest = [name for name in view.graph.named.get(resource.logical_id, ()) if name in cycle]
        members = ", ".join(cycle[:12]) + (f" and {len(cycle) - 12} more" if len(cycle) > 12 else "")
        yield Fault(
            "references",
            ", ".join(nearest),
            f"{resource.logical_id} waits for itself",
            error=f"Circular dependency between resources: [{members}]",
        )


CHECK = Check(
    id="deploy-references-acyclic",
    title="No resource waits for itself",
    phase="create",
    why="A policy that names a resource which needs the policy's owner is a circle: CloudFormation finds no order.",
    fix="Break the circle: name the other resource by a pattern or by aws:SourceAccount instead of GetAtt, or move the "
    "part that closes it into a resource of its own.",
    error="Circular dependency between resources: [...]",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html",
        "https://github.com/aws/aws-cdk/issues/17786",
        "https://github.com/aws/aws-cdk/issues/11158",
    ),
    covers=("DF-019",),
    types=("*",),
    look=look,
)
