"""Takes permissions away that something needs, or gives a role all of them."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.review.mutation.kit.operator import Operator, adds, removes
from labkit.review.mutation.kit.places import Path, Template, at, dropped
from labkit.review.mutation.kit.statements import Statement, allows, as_list, rewrites, statements

_ADMINISTRATOR = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess"}


def _granted(template: Template) -> Iterator[Path]:
    """Every statement of an identity policy that no other one of the policy repeats; the last one goes with the policy."""
    for path, statement in statements(template):
        if allows(statement) and path[-2] == "Statement" and "PolicyDocument" in path:
            others = [one for one in at(template, path[:-1]) if one is not statement]
            if others and not any(_repeats(one, statement) for one in others):
                yield path


def _repeats(one: Statement, statement: Statement) -> bool:
    """Whether one statement allows everything that another one allows."""
    rest = [{key: value for key, value in part.items() if key not in ("Action", "Sid")} for part in (one, statement)]
    return rest[0] == rest[1] and set(as_list(statement["Action"])) <= set(as_list(one["Action"]))


def _flipped(statement: Statement) -> Statement:
    return {**statement, "Effect": "Deny"}


def _refused(statement: Statement) -> Statement:
    return {**statement, "Effect": "Allow"}


OPERATORS: tuple[Operator, ...] = (
    Operator(
        id="drop-statement",
        title="A policy that lacks a statement",
        breaks="deployment",
        sites=_granted,
        apply=dropped,
    ),
    removes("drop-policy", "A role that lacks a policy", "deployment", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"),
    rewrites("allow-to-deny", "A statement that denies what is needed", "deployment", to=_flipped),
    rewrites(
        "deny-to-allow",
        "A statement that allows what is refused",
        "security",
        where=lambda one: not allows(one),
        to=_refused,
    ),
    adds(
        "administrator",
        "A role that may do everything",
        "security",
        "AWS::IAM::Role",
        to=lambda role: {**role, "ManagedPolicyArns": [*role.get("ManagedPolicyArns", []), _ADMINISTRATOR]},
    ),
    removes("drop-permission", "A function that its caller may not call", "deployment", "AWS::Lambda::Permission"),
)
