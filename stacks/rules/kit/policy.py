"""Policy documents as statements with plain lists in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import as_list, cases, each, is_function, texts

# Where resources hold policies that say what a principal may do.
IDENTITY_POLICIES = {
    "AWS::IAM::ManagedPolicy": "PolicyDocument",
    "AWS::IAM::Policy": "PolicyDocument",
    "AWS::IAM::RolePolicy": "PolicyDocument",
    "AWS::IAM::UserPolicy": "PolicyDocument",
    "AWS::IAM::GroupPolicy": "PolicyDocument",
    "AWS::IAM::Role": "Policies.*.PolicyDocument",
    "AWS::IAM::User": "Policies.*.PolicyDocument",
    "AWS::IAM::Group": "Policies.*.PolicyDocument",
}


@dataclass(frozen=True)
class Statement:
    """One statement of a policy. Actions are lower case; references in texts stand as ``${Bucket.Arn}``."""

    path: str
    allows: bool
    actions: tuple[str, ...]
    other_actions: tuple[str, ...]
    resources: tuple[str, ...]
    other_resources: tuple[str, ...]
    principals: dict[str, tuple[str, ...]]
    condition: dict[str, dict[str, tuple[str, ...]]]

    def covers(self, action: str) -> bool:
        """Tell whether an action is among the statement's actions, wildcards included."""
        if self.other_actions:
            return not any(fnmatchcase(action.lower(), pattern) for pattern in self.other_actions)
        return any(fnmatchcase(action.lower(), pattern) for pattern in self.actions)

    @property
    def for_anyone(self) -> bool:
        """Whether the principal is everybody."""
        return any("*" in self.principals.get(kind, ()) for kind in ("*", "AWS"))

    def conditions_on(self, *keys: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield (operator, values) of the conditions on some keys, whatever their case."""
        wanted = {key.lower() for key in keys}
        for operator, tested in self.condition.items():
            for key, given in tested.items():
                if key.lower() in wanted:
                    yield operator, given


def identity_statements(resource: Resource) -> Iterator[Statement]:
    """Yield the statements of a resource's identity policies."""
    yield from statements(resource, IDENTITY_POLICIES[resource.type])


def statements(resource: Resource, path: str) -> Iterator[Statement]:
    """Yield the statements of the policy documents at a path, which are read once."""
    known: dict[str, tuple[Statement, ...]] = resource.memory.setdefault("statements", {})
    if path not in known:
        known[path] = tuple(one for where, document in resource.each(path) for one in _read(document, where))
    yield from known[path]


def _read(document: Any, where: str) -> Iterator[Statement]:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return
    if not isinstance(document, dict) or is_function(document):
        return
    # A policy may hold one statement without a list around it.
    single = isinstance(document.get("Statement"), dict) and not is_function(document["Statement"])
    for found, body in each(document, "Statement" if single else "Statement.*"):
        for one in as_list(body):
            if isinstance(one, dict) and not is_function(one):
                yield _statement(one, f"{where}.{found}")


def _statement(body: dict[str, Any], path: str) -> Statement:
    return Statement(
        path=path,
        allows=body.get("Effect") == "Allow",
        actions=tuple(text.lower() for text in _texts(body.get("Action"))),
        other_actions=tuple(text.lower() for text in _texts(body.get("NotAction"))),
        resources=_texts(body.get("Resource")),
        other_resources=_texts(body.get("NotResource")),
        principals=_principals(body.get("Principal")),
        condition=_condition(body.get("Condition")),
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for item in as_list(value) for text in texts(item))


def _principals(value: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for case in cases(value):
        if isinstance(case, dict) and not is_function(case):
            for kind, given in case.items():
                found[kind] = found.get(kind, ()) + _texts(given)
        elif case is not None:
            found["*"] = found.get("*", ()) + _texts(case)
    return found


def _condition(value: Any) -> dict[str, dict[str, tuple[str, ...]]]:
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for case in cases(value):
        # A case without a condition is a statement without one.
        if not isinstance(case, dict) or is_function(case):
            return {}
        for operator, tested in case.items():
            if isinstance(tested, dict):
                found.setdefault(operator, {}).update({key: _texts(given) for key, given in tested.items()})
    return found


def policies_on(
    template: Template, type_: str, subject: str, resource: Resource
) -> Iterator[tuple[Resource, Statement]]:
    """Yield the statements of policy resources that are attached to a resource.

    Args:
        template: where both stand.
        type_: type of the policy resource, such as ``AWS::S3::BucketPolicy``.
        subject: its property that names what it is attached to, such as ``Bucket`` or ``Topics.*``.
        resource: what it is attached to.
    """
    for policy in template.of(type_):
        if any(template.target(value) is resource for _, value in policy.each(subject)):
            for statement in statements(policy, "PolicyDocument"):
                yield policy, statement
