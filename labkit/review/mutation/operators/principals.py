"""Lets others than meant use roles, keys and policies, or takes conditions away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.review.mutation.kit.operator import Operator, sets
from labkit.review.mutation.kit.places import Path, Template, at, dropped
from labkit.review.mutation.kit.statements import Statement, allows, rewrites, statements

_ACCOUNT = ("aws:SourceAccount", "aws:SourceArn", "aws:PrincipalAccount", "aws:ResourceAccount")


def _has(name: str) -> Any:
    return lambda statement: allows(statement) and name in statement


def _without_condition(statement: Statement) -> Statement:
    return {key: value for key, value in statement.items() if key != "Condition"}


def _keys(*wanted: str) -> Any:
    """Every test of an allowing statement on one of some condition keys."""

    def sites(template: Template) -> Iterator[Path]:
        for path, statement in statements(template):
            if allows(statement):
                for operator, tests in statement.get("Condition", {}).items():
                    for key in tests:
                        if key in wanted:
                            yield (*path, "Condition", operator, key)

    return sites


def _drop_test(template: Template, path: Path) -> Template:
    """Without one test, and without the condition where nothing is left of it."""
    left: Template = dropped(template, path)
    for part in (path[:-1], path[:-2]):
        if not at(left, part):
            left = dropped(left, part)
    return left


def _any_value(statement: Statement) -> Statement:
    """Every test on a text holds for any text."""
    wide: dict[str, Any] = {}
    for operator, tests in statement["Condition"].items():
        if operator in ("StringEquals", "ArnEquals"):
            wide.setdefault(operator.replace("Equals", "Like"), {}).update(dict.fromkeys(tests, "*"))
        elif operator in ("StringLike", "ArnLike"):
            wide.setdefault(operator, {}).update(dict.fromkeys(tests, "*"))
        else:
            wide.setdefault(operator, {}).update(tests)
    return {**statement, "Condition": wide}


def _is_service(value: Any) -> bool:
    return isinstance(value, str) and ".amazonaws.com" in value


OPERATORS: tuple[Operator, ...] = (
    rewrites(
        "drop-condition",
        "A statement without its condition",
        "security",
        where=_has("Condition"),
        to=_without_condition,
    ),
    rewrites(
        "condition-any-value",
        "A statement whose condition any value meets",
        "security",
        where=_has("Condition"),
        to=_any_value,
    ),
    Operator(
        id="drop-source-account",
        title="A statement that does not ask for whose account",
        breaks="security",
        sites=_keys(*_ACCOUNT),
        apply=_drop_test,
    ),
    Operator(
        id="drop-passed-to",
        title="A role that may be passed to any service",
        breaks="security",
        sites=_keys("iam:PassedToService"),
        apply=_drop_test,
    ),
    rewrites(
        "principal-everybody",
        "A statement that allows everybody",
        "security",
        where=_has("Principal"),
        to=lambda one: {**one, "Principal": "*"},
    ),
    rewrites(
        "principal-stranger",
        "A statement that allows another account",
        "security",
        where=_has("Principal"),
        to=lambda one: {**one, "Principal": {"AWS": "arn:aws:iam::999988887777:root"}},
    ),
    sets(
        "service-misspelt",
        "A service principal that does not exist",
        "deployment",
        "* Properties.**.Principal.Service",
        "AWS::Lambda::Permission Properties.Principal",
        where=_is_service,
        to=lambda name: f"x{name}",
    ),
    sets(
        "service-other",
        "A role that another service than its user may assume",
        "deployment",
        "AWS::IAM::Role Properties.AssumeRolePolicyDocument.Statement.*.Principal.Service",
        where=lambda name: name != "backup.amazonaws.com",
        to="backup.amazonaws.com",
    ),
)
