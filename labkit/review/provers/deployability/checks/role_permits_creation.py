"""A role may do what the resource that uses it needs, at the moment it needs it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.checks.policy_before_resource import roles_at
from labkit.review.provers.deployability.kit.artefacts import readable
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import actions, by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_ROWS = by_type("role_users", "needs")
_READS = by_type("role_users", "reads")
_CALL = re.compile(r":scheduler:::aws-sdk:([a-z0-9]+):([A-Za-z0-9]+)$")
# Services whose permissions have another prefix than their SDK.
_PREFIXES = {
    "sfn": "states",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "cloudwatchevents": "events",
    "ecrpublic": "ecr-public",
}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for row in _ROWS.get(resource.type, ()):
        if "when" in row and not view.given(resource, row["when"]):
            continue
        if any(view.plain(resource.one(path)) == wanted for path, wanted in row.get("unless", {}).items()):
            continue
        for path, value in roles_at(resource, row, view):
            if "on" not in row:
                yield from _lacking(resource, path, value, None, row, view)
            for target in _targets(resource, path, row, view):
                yield from _lacking(resource, path, value, target, row, view)

    for row in _READS.get(resource.type, ()):
        yield from _reading(resource, row, view)
    if resource.type == "AWS::Scheduler::Schedule":
        yield from _called(resource, view)


def _reading(resource: Resource, row: dict[str, Any], view: View) -> Iterator[Fault]:
    given = resource.one(row["role"])
    role = view.roles.of(given)
    if role is None:
        return
    found = [statement for held in view.roles.held(role) for statement in held.statements]
    for place in row["reads"]:
        for path, value in view.listed(resource, place):
            uri = view.text(value)
            if uri is not None and not readable(found, uri, view):
                yield Fault(
                    path,
                    value,
                    f"{role.logical_id} may not read it",
                    error=row["error"],
                    fix=f"Allow s3:GetObject on it to {role.logical_id} in a policy that {resource.logical_id} depends on.",
                    undecided=view.roles.may(role, "s3:GetObject") in ("yes", "unknown")
                    and bool(view.roles.outside(role)),
                )


def _called(schedule: Resource, view: View) -> Iterator[Fault]:
    """A schedule that calls an API itself needs a role that may."""
    match = _CALL.search(view.text(schedule.one("Target.Arn")) or "")
    role = view.roles.of(schedule.one("Target.RoleArn"))
    if match is None or role is None:
        return
    service = _PREFIXES.get(match[1], match[1])
    if match[2].lower() not in actions().get(service, ()):
        return  # an API whose permission has another name
    action = f"{service}:{match[2][0].upper()}{match[2][1:]}"
    row = {"actions": [action], "error": "(no error; TargetErrorCount grows, the call is denied)"}
    yield from _lacking(schedule, "Target.RoleArn", schedule.one("Target.RoleArn"), None, row, view)


def _targets(resource: Resource, path: str, row: dict[str, Any], view: View) -> Iterator[Resource]:
    places = row.get("on", [])
    for place in [places] if isinstance(places, str) else places:
        for where, value in view.listed(resource, place):
            target = view.policies.function(value) or view.target(value)
            # Of a list of targets, each has its own role.
            beside = "*" not in place or "*" not in row["role"] or where.rsplit(".", 1)[0] == path.rsplit(".", 1)[0]
            if target is not None and target.type in row["to"] and beside:
                yield target


def _lacking(
    resource: Resource, path: str, value: Any, target: Resource | None, row: dict[str, Any], view: View
) -> Iterator[Fault]:
    role = view.roles.of(value)
    if role is None:
        return
    lacking = view.roles.lacks(role, row["actions"], on=target, at=resource if row.get("create") else None)
    on = f" on {target.logical_id}" if target is not None else ""
    for verdict, words in _WORDS.items():
        missing = [action for action, found in lacking.items() if found == verdict]
        if missing:
            yield Fault(
                path,
                value,
                f"{role.logical_id} {words} {', '.join(missing)}{on}",
                error=row["error"],
                fix=f"Allow {', '.join(missing)}{on} to {role.logical_id} in a policy that {resource.logical_id} "
                "depends on.",
                undecided=verdict == "unknown",
            )


_WORDS = {
    "no": "may not call",
    "late": "gets a policy that nothing waits for; before that it may not call",
    "unknown": "has policies that are not in the template; they may or may not allow",
}
CHECK = Check(
    id="deploy-role-permits-creation",
    title="A role may do what the service needs to create or run the resource",
    phase="create",
    why="Some services try the role while they create the resource; others fail silently at the first event.",
    fix="Allow the actions to the role, in a policy that the resource depends on.",
    error="the role is not authorized",
    sources=(
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-service.html",
        "https://github.com/aws/aws-cdk/issues/2652",
        "https://github.com/hashicorp/terraform-provider-aws/issues/30404",
        "https://github.com/elastic/beats/issues/13963",
        "https://github.com/aws/amazon-sagemaker-examples/issues/2079",
        "https://github.com/aws/aws-cli/issues/8823",
    ),
    covers=("DF-023", "DF-025", "DF-027", "DF-041", "DF-147"),
    types=tuple(dict.fromkeys((*_ROWS, *_READS))),
    look=look,
)
