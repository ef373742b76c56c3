"""A function writes to a log group of the template."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, value in resource.each("LoggingConfig.LogGroup"):
        if value is None:
            yield Problem(path, value, "Lambda creates the log group: without a key, kept without end, left behind")


RULE = Rule(
    id="function-log-group-explicit",
    title="A function names its log group",
    why="A group that Lambda creates by itself has no key, no retention, and stays when the stack is deleted.",
    fix="Set LoggingConfig.LogGroup to a log group of the stack.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html",
    controls=("NIST AU-9", "NIST AU-11", "NIST AU-12"),
    types=("AWS::Lambda::Function",),
    check=check,
)
