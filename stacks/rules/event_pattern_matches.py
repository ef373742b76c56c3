"""An event pattern can be met by an event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, pattern in resource.each("EventPattern"):
        if pattern is None:
            continue
        if pattern == {}:
            yield Problem(path, pattern, "the pattern asks for nothing, which EventBridge refuses")
        for inner, value in _empty(pattern, path):
            yield Problem(inner, value, "no value fits, which EventBridge refuses")


def _empty(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if value == []:
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _empty(inner, f"{path}.{name}")


RULE = Rule(
    id="event-pattern-matches",
    title="An event pattern names what it waits for",
    why="EventBridge refuses an empty pattern and an empty list in one, and the deployment rolls back.",
    fix="Name a source or a detail type, with at least one value.",
    source="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html",
    controls=("NIST SI-4",),
    types=("AWS::Events::Rule",),
    check=check,
)
