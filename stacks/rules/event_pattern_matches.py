"""An event pattern can be met by an event."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.documents import objects
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, pattern in resource.each("EventPattern"):
        if pattern is None:
            continue
        if pattern == {}:
            yield Problem(path, pattern, "the pattern asks for nothing, which EventBridge refuses")
        for inner, one in objects(pattern, path):
            for name, value in one.items():
                if value == []:
                    yield Problem(f"{inner}.{name}", value, "no value fits, which EventBridge refuses")


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
