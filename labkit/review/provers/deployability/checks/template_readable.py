"""Every function and every part of a template is written as CloudFormation reads it."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import REST, Resource

_MOST = 20


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for path, reason in view.removed[:_MOST]:
        yield Fault(path, None, f"this part cannot be read: {reason}; the other checks go on without it")
    if len(view.removed) > _MOST:
        yield Fault("", None, f"{len(view.removed) - _MOST} more parts cannot be read")


CHECK = Check(
    id="deploy-template-readable",
    title="Every part of the template is written as CloudFormation reads it",
    phase="create",
    why="A function with the wrong kind of argument is refused before anything is created.",
    fix="Write the function as its page says.",
    error="Template format error / Template validation error",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html",
    ),
    types=(REST,),
    look=look,
)
