"""An update replaces no resource that keeps its fixed name."""

from __future__ import annotations

import json
from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.names import create_only, fixed_name
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource


def compare(old: View, new: View) -> Iterable[tuple[str, Fault]]:
    for name, resource in new.template.resources.items():
        before = old.template.resources.get(name)
        if before is None or before.type != resource.type:
            continue
        replacing, _ = create_only(resource.type, new)
        changed = sorted(one for one in replacing if not same(before.properties.get(one), resource.properties.get(one)))
        if changed:
            yield from _replaced(before, resource, changed, old, new)


def same(one: object, other: object) -> bool:
    """Tell whether two values are written alike."""
    return one == other or json.dumps(one, sort_keys=True, default=str) == json.dumps(
        other, sort_keys=True, default=str
    )


def _replaced(
    before: Resource, resource: Resource, changed: list[str], old: View, new: View
) -> Iterable[tuple[str, Fault]]:
    fixed = fixed_name(resource, new)
    if fixed is not None and fixed == fixed_name(before, old):
        what = f"{', '.join(changed)} changed, which replaces the resource while its name stays taken"
        yield (
            resource.logical_id,
            Fault(changed[0], resource.properties.get(changed[0]), what, error=_said(resource, fixed)),
        )


def _said(resource: Resource, name: str) -> str:
    if resource.type == "AWS::Batch::ComputeEnvironment":
        return f"Object already exists: {name} / Cannot delete, found existing JobQueue relationship"
    return (
        f"CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and "
        "update the stack again."
    )


CHECK = Check(
    id="deploy-update-keeps-named",
    title="An update replaces no resource that keeps its fixed name",
    phase="update",
    why="A changed property that can only be set at creation replaces the resource: the new one is made first, under a "
    "name that the old one still has.",
    fix="Change the name with the property, or leave the name out.",
    error="CloudFormation cannot update a stack when a custom-named resource requires replacing.",
    sources=("https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html",),
    types=("*",),
    compare=compare,
)
