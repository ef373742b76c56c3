"""Widens the policies of a template, one statement at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """A template that allows more, or denies less or more, than the original."""

    operator: str
    place: str
    effect: str
    original: dict[str, Any]
    steps: tuple[Any, ...]
    changed: dict[str, Any]

    @property
    def template(self) -> dict[str, Any]:
        """The changed template."""
        other = copy.deepcopy(self.original)
        _at(other, self.steps[:-1])[self.steps[-1]] = self.changed
        return other

    def __str__(self) -> str:
        return f"{self.operator} {self.place}"


def mutants(template: dict[str, Any]) -> Iterator[Mutant]:
    """Yield every template with one statement changed by one operator, where that changes anything."""
    for place in list(_statements(template, ())):
        original = _at(template, place)
        for operator, changed in _changes(original):
            if _plain(changed) != _plain(original):
                path = ".".join(str(step) for step in place[1:])
                yield Mutant(operator, path, str(original["Effect"]), template, tuple(place), changed)


def _changes(statement: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    actions = statement.get("Action", [])
    services = {action.split(":")[0] for action in (actions if isinstance(actions, list) else [actions])}
    yield "widen-action", {**statement, "Action": sorted(f"{service}:*" for service in services)}
    yield "every-action", {**statement, "Action": "*"}
    if "Resource" in statement:
        yield "every-resource", {**statement, "Resource": "*"}
    if "Condition" in statement:
        yield "no-condition", {key: value for key, value in statement.items() if key != "Condition"}
        for operator, keys in statement["Condition"].items():
            for key in keys:
                wide = {**statement["Condition"], operator.replace("Equals", "Like"): {**keys, key: "*"}}
                if operator.startswith(("String", "Arn")):
                    wide = {name: tests for name, tests in wide.items() if name != operator or "Equals" not in name}
                    yield "any-value", {**statement, "Condition": wide}
    if "Principal" in statement:
        yield "everybody", {**statement, "Principal": "*"}
        yield "stranger", {**statement, "Principal": {"AWS": "arn:aws:iam::999988887777:root"}}
    flipped = "Deny" if statement["Effect"] == "Allow" else "Allow"
    yield "flip-effect", {**statement, "Effect": flipped}


def _plain(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement in which one text and a list of one text look the same."""
    everybody = ("*", {"AWS": "*"})
    plain = {key: [value] if isinstance(value, (str, dict)) else value for key, value in statement.items()}
    return plain | ({"Principal": "*"} if statement.get("Principal") in everybody else {})


def _statements(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        if "Effect" in value and ("Action" in value or "NotAction" in value):
            yield place
            return
        for key, inner in value.items():
            yield from _statements(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _statements(inner, (*place, number))


def _at(value: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        value = value[step]
    return value
