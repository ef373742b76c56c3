"""Logs go after a stated number of days."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule, expect
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    return expect(
        resource.each("RetentionInDays"), lambda value: isinstance(value, int), "the logs are kept without end"
    )


RULE = Rule(
    id="log-group-retention-set",
    title="A log group states how long it keeps events",
    why="Logs kept for ever cost money and remain to be leaked; logs gone too soon explain nothing.",
    fix="Set RetentionInDays.",
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
    controls=("NIST AU-11", "NIST SI-12"),
    types=("AWS::Logs::LogGroup",),
    check=check,
)
