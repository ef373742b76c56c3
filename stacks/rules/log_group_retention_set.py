"""Logs go after a stated number of days."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function, number

# What CloudWatch Logs takes, from a week on.
# Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_DAYS = frozenset(
    {7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)  # fmt: skip
_SHORTER = frozenset({1, 3, 5})


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, value in resource.each("RetentionInDays"):
        days = number(value)
        if days is None:
            yield Problem(path, value, "the logs are kept without end", undecided=is_function(value))
        elif days in _SHORTER:
            yield Problem(path, value, "the logs are gone before anybody asks; 7 days are the least")
        elif days not in _DAYS:
            yield Problem(path, value, "CloudWatch Logs refuses this number of days")


RULE = Rule(
    id="log-group-retention-set",
    title="A log group keeps events for a week at least, and not for ever",
    why="Logs kept for ever cost money and remain to be leaked; logs gone too soon explain nothing.",
    fix="Set RetentionInDays to a number that CloudWatch Logs takes, 7 at least.",
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
    controls=("NIST AU-11", "NIST SI-12"),
    types=("AWS::Logs::LogGroup",),
    check=check,
    same_as=("CloudWatchLogGroupRetentionPeriod",),
)
