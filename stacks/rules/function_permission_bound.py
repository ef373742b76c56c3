"""A function is called by named callers, and by a service only for a named source."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

_BOUNDS = ("SourceAccount", "SourceArn", "PrincipalOrgID", "EventSourceToken")


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    bound = any(resource.one(name) is not None for name in _BOUNDS)
    for path, value in resource.each("Principal"):
        if value == "*" and not bound:
            yield Problem(path, value, "everybody may call the function")
        elif isinstance(value, str) and ".amazonaws.com" in value and not bound:
            yield Problem("SourceArn", None, f"{value} may call the function for any account")


RULE = Rule(
    id="function-permission-bound",
    title="A permission to call a function names the caller, and the source that a service calls for",
    why="Without it, somebody in another account can make the service call the function: the confused deputy.",
    fix="Set SourceArn or SourceAccount beside a service, and never use * as Principal alone.",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html#lambda-1",
    controls=("FSBP Lambda.1", "NIST AC-3", "NIST AC-6"),
    types=("AWS::Lambda::Permission",),
    check=check,
    same_as=("LambdaFunctionPublicAccessProhibited",),
)
