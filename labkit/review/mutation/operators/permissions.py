"""Takes permissions away that something needs, or gives a role all of them."""

from __future__ import annotations

from labkit.review.mutation.kit.operator import Operator, adds, removes
from labkit.review.mutation.kit.places import Path, Template, at, dropped
from labkit.review.mutation.kit.statements import Statement, allows, rewrites, statements

_ADMINISTRATOR = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess"}


def _granted(template: Template) -> list[Path]:
    """Every statement of an identity policy; the last one of a policy goes with the whole policy elsewhere."""
    return [
        path
        for path, statement in statements(template)
        if allows(statement)
        and path[-2] == "Statement"
        and "PolicyDocument" in path
        and len(at(template, path[:-1])) > 1
    ]


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
