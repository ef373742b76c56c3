"""A state machine's role may start, follow and tag what its tasks run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import table
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_function

_TASK = re.compile(r"states:::([a-z0-9-]+):([A-Za-z]+)(?:\.(sync:2|sync|waitForTaskToken))?")
_RULES = ("events:PutTargets", "events:PutRule", "events:DescribeRule")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    role = view.roles.of(resource.properties.get("RoleArn"))
    if role is None:
        return
    tasks = sorted(set(_tasks(resource, view)))
    known = table("integrations")
    followed = [f"{service}:{action}.{how}" for service, action, how in tasks
                if how.startswith("sync") and service in known["managed_rules"]["services"]]  # fmt: skip
    if followed:
        error = f"'{role.logical_id}' is not authorized to create managed-rule. (AccessDeniedException)"
        yield from _lacking(resource, role, _RULES, f"to follow {', '.join(followed)}", error, view)
    for service, action, how in tasks:
        needed = [*known["start"].get(f"{service}:{action}", ())]
        if how.startswith("sync"):
            needed += known["sync"].get(service, ())
        error = f"User: <role> is not authorized to perform: {needed[0] if needed else ''} on resource: ..."
        if needed:
            yield from _lacking(resource, role, needed, f"for the task {service}:{action}", error, view, first_use=True)


def _tasks(resource: Resource, view: View) -> Iterator[tuple[str, str, str]]:
    for name in ("DefinitionString", "Definition"):
        for match in _TASK.finditer(_all_text(resource.properties.get(name))):
            yield match[1], match[2], match[3] or ""


def _all_text(value: Any) -> str:
    """Every text in a definition, also in one that is put together at deployment."""
    parts: list[str] = []
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, str):
            parts.append(current)
        elif is_function(current) and "Fn::Join" in current and isinstance(current["Fn::Join"][1], list):
            sign = str(current["Fn::Join"][0])
            parts.append(sign.join(one if isinstance(one, str) else "" for one in current["Fn::Join"][1]))
            stack += [one for one in current["Fn::Join"][1] if not isinstance(one, str)]
        elif isinstance(current, dict):
            stack += current.values()
        elif isinstance(current, list):
            stack += current
    return "\n".join(parts)


def _lacking(
    resource: Resource,
    role: Resource,
    actions: Iterable[str],
    why: str,
    error: str,
    view: View,
    *,
    first_use: bool = False,
) -> Iterator[Fault]:
    lacking = view.roles.lacks(role, actions, at=None if first_use else resource)
    for verdict, words in (("no", "may not call"), ("late", "may not yet call"), ("unknown", "may or may not call")):
        found = [action for action, what in lacking.items() if what == verdict]
        if found:
            yield Fault(
                "RoleArn",
                resource.properties.get("RoleArn"),
                f"{role.logical_id} {words} {', '.join(found)} {why}" + (" (first use)" if first_use else ""),
                error=error,
                fix=f"Allow {', '.join(found)} to {role.logical_id} in a policy that {resource.logical_id} depends on.",
                undecided=verdict == "unknown",
            )


CHECK = Check(
    id="deploy-state-machine-permitted",
    title="A state machine's role may start, follow and tag what its tasks run",
    phase="create",
    why="Tasks that wait for a job (.sync) need a managed EventBridge rule, which is tried at creation, and SageMaker "
    "jobs are tagged, which shows at the first run.",
    fix="Allow events:PutTargets, events:PutRule and events:DescribeRule on rule/StepFunctions*, the job's own actions, "
    "and for SageMaker sagemaker:AddTags.",
    error="'arn:aws:iam::<account>:role/<role>' is not authorized to create managed-rule.",
    sources=(
        "https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html",
        "https://github.com/nasa/cumulus/pull/2693",
        "https://github.com/aws/aws-cdk/issues/32294",
        "https://github.com/aws/aws-cdk/issues/26012",
    ),
    covers=("DF-029", "DF-031"),
    types=("AWS::StepFunctions::StateMachine",),
    look=look,
)
