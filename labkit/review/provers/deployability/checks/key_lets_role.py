"""A role that works with a key may use it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_function

_ROWS = by_type("key_users", "role")
# A function's role sends to these, encrypts for them, and asks nobody else.
_SENT = {
    "AWS::Lambda::Function": ("Role", "DeadLetterConfig.TargetArn"),
    "AWS::Lambda::EventInvokeConfig": ("", "DestinationConfig.*.Destination"),
    "AWS::Scheduler::Schedule": ("Target.RoleArn", "Target.Arn"),
    "AWS::Pipes::Pipe": ("RoleArn", "Target"),
}
_READ = {"AWS::Lambda::EventSourceMapping": "EventSourceArn", "AWS::Pipes::Pipe": "Source"}
_KEYS = {
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::Kinesis::Stream": "StreamEncryption.KeyId",
}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for row in _ROWS.get(resource.type, ()):
        for path, value in _keys(resource, row["key"]):
            roles = [role for source in row["role_of"] for role in _roles(resource, source, view)]
            for role in roles:
                yield from _role(resource, path, value, role, row, view)
    if resource.type in _SENT:
        place, sent = _SENT[resource.type]
        yield from _target(resource, place, sent, ("kms:GenerateDataKey", "kms:Decrypt"), view)
    if resource.type in _READ:
        yield from _target(resource, "RoleArn", _READ[resource.type], ("kms:Decrypt",), view)


def _keys(resource: Resource, path: str) -> Iterator[tuple[str, Any]]:
    if not path.startswith("*."):
        yield from ((where, value) for where, value in resource.each(path) if value is not None)
        return
    # Wherever a property of this name stands.
    stack: list[tuple[str, Any]] = list(resource.properties.items())
    while stack:
        where, value = stack.pop()
        if where.endswith(path[2:]) and (isinstance(value, str) or is_function(value)):
            yield where, value
        elif isinstance(value, dict) and not is_function(value):
            stack += [(f"{where}.{name}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            stack += [(f"{where}.{place}", inner) for place, inner in enumerate(value)]


def _roles(resource: Resource, path: str, view: View) -> Iterator[Resource]:
    for _, value in resource.each(path):
        model = view.target(value, "AWS::SageMaker::Model")
        role = view.roles.of(value if model is None else model.properties.get("ExecutionRoleArn"))
        if role is not None:
            yield role


def _role(
    resource: Resource, path: str, value: Any, role: Resource, row: dict[str, Any], view: View
) -> Iterator[Fault]:
    key = view.keys.of(value)
    if key is None:
        return
    at = resource if row.get("create") else None
    for action in row["actions"]:
        verdict = view.keys.role_may(role, key, action, at=at)
        if verdict != "yes":
            yield Fault(
                path,
                value,
                f"{role.logical_id} {_words(verdict, action)} with {key.logical_id}",
                error=row["error"],
                fix=f"Allow {action} on {key.logical_id} to {role.logical_id}.",
                undecided=verdict == "unknown",
            )


def _target(resource: Resource, place: str, path: str, actions: tuple[str, ...], view: View) -> Iterator[Fault]:
    for where, value in view.listed(resource, path):
        target = view.target(value, *_KEYS)
        if target is None:
            continue
        for _, given in target.each(_KEYS[target.type]):
            key = view.keys.of(given)
            role = view.roles.of(resource.one(place)) if place else None
            if role is None:
                function = view.policies.function(resource.properties.get("FunctionName"))
                role = view.roles.of(function.properties.get("Role")) if function is not None else None
            if key is None or role is None:
                continue
            for action in actions:
                verdict = view.keys.role_may(role, key, action)
                if verdict != "yes":
                    yield Fault(
                        where,
                        value,
                        f"{target.logical_id} is encrypted with {key.logical_id}, and {role.logical_id} "
                        f"{_words(verdict, action)} with it",
                        fix=f"Allow {action} on {key.logical_id} to {role.logical_id}.",
                        undecided=verdict == "unknown",
                    )


def _words(verdict: str, action: str) -> str:
    return {
        "no": f"may not call {action}",
        "late": f"may call {action} only once a policy is attached that nothing waits for",
        "unknown": f"has policies that are not in the template; whether they allow {action} is not known",
    }[verdict]


CHECK = Check(
    id="deploy-key-lets-role",
    title="A role may use the keys of what it writes, reads and sends to",
    phase="first-use",
    why="Permission to send or write is not permission to encrypt: the role needs the key too.",
    fix="Allow the role kms:GenerateDataKey (to write) and kms:Decrypt on the key.",
    error="(no error; the message is lost and a metric such as DeadLetterErrors grows)",
    sources=(
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html",
        "https://github.com/ministryofjustice/modernisation-platform-environments/pull/18985",
    ),
    covers=("DF-013",),
    types=tuple(dict.fromkeys((*_ROWS, *_SENT, *_READ))),
    look=look,
)
