"""Policies on resources, found by the resource they are on; and whether they let a service in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labkit.review.provers.deployability.kit import text
from stacks.rules.kit.policy import Statement, statements
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import as_list, texts

if TYPE_CHECKING:
    from labkit.review.provers.deployability.kit.view import View

# Policy resources: their type, the property that names what they are on, and the document's property.
_KINDS = {
    "AWS::S3::BucketPolicy": ("Bucket", "PolicyDocument"),
    "AWS::SNS::TopicPolicy": ("Topics.*", "PolicyDocument"),
    "AWS::SNS::TopicInlinePolicy": ("TopicArn", "PolicyDocument"),
    "AWS::SQS::QueuePolicy": ("Queues.*", "PolicyDocument"),
    "AWS::SQS::QueueInlinePolicy": ("Queue", "PolicyDocument"),
    "AWS::SecretsManager::ResourcePolicy": ("SecretId", "ResourcePolicy"),
    "AWS::Events::EventBusPolicy": ("EventBusName", "Statement"),
}


@dataclass(frozen=True)
class Attached:
    """One statement and the resource that carries it."""

    carrier: Resource
    statement: Statement


class Policies:
    """The policies on a template's buckets, topics, queues and functions."""

    def __init__(self, view: View) -> None:
        self._view = view

    @cached_property
    def _by_subject(self) -> dict[str, list[Attached]]:
        found: dict[str, list[Attached]] = {}
        for type_, (subject, document) in _KINDS.items():
            for policy in self._view.of(type_):
                on = {one.logical_id for _, value in policy.each(subject) if (one := self._view.target(value))}
                for statement in statements(policy, document):
                    for name in on:
                        found.setdefault(name, []).append(Attached(policy, statement))
        for permission in self._view.of("AWS::Lambda::Permission"):
            function = self.function(permission.properties.get("FunctionName"))
            if function is not None:
                found.setdefault(function.logical_id, []).append(Attached(permission, _permission(permission)))
        return found

    def on(self, resource: Resource) -> list[Attached]:
        """Return the statements of the policies on a resource."""
        return self._by_subject.get(resource.logical_id, [])

    def function(self, value: Any) -> Resource | None:
        """Return the function that a value names, directly or by a version or an alias."""
        found = self._view.target(value, *_FUNCTIONS)
        for _ in range(2):
            if found is not None and found.type != "AWS::Lambda::Function":
                found = self._view.target(found.properties.get("FunctionName"), *_FUNCTIONS)
        return found if found is not None and found.type == "AWS::Lambda::Function" else None

    def lets(self, statement: Statement, principal: str, action: str, source: Resource | None) -> bool:
        """Tell whether a statement lets a service do something on behalf of a source."""
        return (
            statement.allows
            and statement.covers(action)
            and self.names_service(statement, principal)
            and self.fits(statement, source)
        )

    def names_service(self, statement: Statement, principal: str) -> bool:
        """Tell whether a statement's principals include a service."""
        if statement.for_anyone:
            return True
        wanted = _service(principal)
        return any(_service(self._known(one)) == wanted for one in statement.principals.get("Service", ()))

    def fits(self, statement: Statement, source: Resource | None) -> bool:
        """Tell whether a statement's conditions on the calling resource may hold for a source."""
        for operator, tested in statement.condition.items():
            if operator.lower().startswith(("stringnot", "arnnot", "null")):
                continue
            for key, given in tested.items():
                name = key.lower()
                if name == "aws:sourcearn" and not any(self.may_be(one, source) for one in given):
                    return False
                if name == "aws:sourceaccount" and given and not any(_account(one) for one in given):
                    return False
        return True

    def may_be(self, pattern: str, source: Resource | None) -> bool:
        """Tell whether a pattern for an ARN may stand for a resource."""
        pattern = self._known(pattern)
        if source is None or pattern in ("*", ""):
            return True
        named = [token.partition(".")[0] for token in text.tokens(pattern)]
        ours = [name for name in named if name in self._view.template.resources]
        if ours:
            return source.logical_id in ours or any(
                self._view.graph.includes(source, self._view.template.resources[name]) for name in ours
            )
        glob = text.as_glob(pattern)
        service = source.type.split("::")[1].lower()
        parts = glob.split(":")
        if len(parts) > 2 and "*" not in parts[2] and service in _ARN_SERVICE and parts[2] != _ARN_SERVICE[service]:
            return False
        name = self._view.literal_name(source)
        return text.overlap(glob, f"*{name}*") if name else True

    def _known(self, value: str) -> str:
        return text.known(value, region=self._view.region, partition=self._view.partition)


_FUNCTIONS = ("AWS::Lambda::Function", "AWS::Lambda::Alias", "AWS::Lambda::Version")
_ARN_SERVICE = {
    "events": "events",
    "s3": "s3",
    "sns": "sns",
    "sqs": "sqs",
    "cloudwatch": "cloudwatch",
    "budgets": "budgets",
    "logs": "logs",
    "scheduler": "scheduler",
    "cloudtrail": "cloudtrail",
    "lambda": "lambda",
    "backup": "backup",
    "rds": "rds",
}


def _service(principal: str) -> str:
    """A principal without its partition's suffix, which AWS takes in both forms."""
    return principal.partition(".amazonaws.com")[0].lower()


def _account(value: str) -> bool:
    return value in ("${AWS::AccountId}", "*") or (value.isdigit() and len(value) == 12) or "${" in value


def _permission(permission: Resource) -> Statement:
    def listed(name: str) -> tuple[str, ...]:
        return tuple(one for value in as_list(permission.properties.get(name)) for one in texts(value))

    condition: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, key in (("SourceArn", "aws:SourceArn"), ("SourceAccount", "aws:SourceAccount")):
        if permission.properties.get(name) is not None:
            condition.setdefault("ArnLike", {})[key] = listed(name)
    return Statement(
        path="",
        allows=True,
        actions=tuple(one.lower() for one in listed("Action")),
        other_actions=(),
        resources=("*",),
        other_resources=(),
        principals={"Service": listed("Principal")},
        condition=condition,
    )


def covering(found: Iterable[Attached], action: str) -> Iterator[Attached]:
    """Yield the statements that allow an action."""
    for one in found:
        if one.statement.allows and one.statement.covers(action):
            yield one
