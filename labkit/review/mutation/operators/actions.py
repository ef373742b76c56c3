"""Lets policies allow more actions on more resources, or misspells what they allow."""

from __future__ import annotations

from typing import Any

from labkit.review.mutation.kit.operator import Operator, sets
from labkit.review.mutation.kit.statements import Statement, allows, as_list, rewrites


def _service_wide(statement: Statement) -> Statement:
    services = {action.split(":")[0] for action in as_list(statement.get("Action", [])) if ":" in action}
    return {**statement, "Action": sorted(f"{service}:*" for service in services)}


def _misspelt(statement: Statement) -> Statement:
    actions = as_list(statement["Action"])
    return {**statement, "Action": [f"{actions[0]}s", *actions[1:]]}


def _unknown_service(statement: Statement) -> Statement:
    actions = as_list(statement["Action"])
    return {**statement, "Action": [f"x{actions[0]}", *actions[1:]]}


def _spelt_out(statement: Statement) -> bool:
    return allows(statement) and all("*" not in action for action in as_list(statement.get("Action", "*")))


def _inverted(statement: Statement) -> Statement:
    rest = {key: value for key, value in statement.items() if key != "Action"}
    return {**rest, "NotAction": ["iam:CreateUser"]}


def _literal(value: Any) -> Any:
    return {"Fn::Sub": value["Fn::Sub"].replace("${AWS::Partition}", "aws")}


def _has_partition(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("Fn::Sub"), str) and "${AWS::Partition}" in value["Fn::Sub"]


OPERATORS: tuple[Operator, ...] = (
    rewrites("action-of-service", "A statement that allows a whole service", "security", to=_service_wide),
    rewrites("action-every", "A statement that allows every action", "security", to=lambda one: {**one, "Action": "*"}),
    rewrites("action-inverted", "A statement that allows all actions but one", "security", to=_inverted),
    rewrites(
        "resource-every",
        "A statement that allows its actions on every resource",
        "security",
        where=lambda one: allows(one) and "Resource" in one,
        to=lambda one: {**one, "Resource": "*"},
    ),
    rewrites(
        "action-misspelt",
        "A statement with an action that does not exist",
        "deployment",
        where=_spelt_out,
        to=_misspelt,
    ),
    rewrites(
        "action-of-nothing",
        "A statement with an action of a service that does not exist",
        "deployment",
        where=_spelt_out,
        to=_unknown_service,
    ),
    sets(
        "partition-literal",
        "A name that holds in one partition alone",
        "deployment",
        "AWS::IAM::* Properties.**.Resource",
        "AWS::IAM::* Properties.**.Resource.*",
        where=_has_partition,
        to=_literal,
    ),
)
