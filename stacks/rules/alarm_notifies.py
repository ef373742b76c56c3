"""An alarm tells somebody."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, value in resource.each("ActionsEnabled"):
        if value is False or str(value).lower() == "false":
            yield Problem(path, value, "the alarm's actions are switched off")
    for path, value in resource.each("AlarmActions"):
        if not value:
            yield Problem(path, value, "the alarm tells nobody")


RULE = Rule(
    id="alarm-notifies",
    title="An alarm has an action, and its actions are on",
    why="An alarm without an action is seen by those alone who look at the console.",
    fix="Name a topic in AlarmActions and leave ActionsEnabled on.",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-15",
    controls=(
        *("SecurityHub CloudWatch.15", "SecurityHub CloudWatch.17"),
        *("NIST AU-6(1)", "NIST AU-6(5)", "NIST CA-7", "NIST IR-4(1)", "NIST IR-4(5)", "NIST SI-4(12)"),
    ),
    types=("AWS::CloudWatch::Alarm",),
    check=check,
)
