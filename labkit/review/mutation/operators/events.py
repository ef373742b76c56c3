"""Breaks schedules and rules, or loses what they could not deliver."""

from __future__ import annotations

from typing import Any

from labkit.review.mutation.kit.operator import Operator, drops, sets

_RULE = "AWS::Events::Rule Properties"
_SCHEDULE = "AWS::Scheduler::Schedule Properties"
_EXPRESSIONS = (
    f"{_RULE}.ScheduleExpression",
    f"{_SCHEDULE}.ScheduleExpression",
    "AWS::ApplicationAutoScaling::ScalableTarget Properties.ScheduledActions.*.Schedule",
)


def _is_cron(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("cron(")


OPERATORS: tuple[Operator, ...] = (
    sets(
        "schedule-of-unix",
        "A schedule of five fields",
        "deployment",
        *_EXPRESSIONS,
        where=_is_cron,
        to=lambda text: f"cron({' '.join(text[5:-1].split()[:5])})",
    ),
    sets(
        "schedule-two-days",
        "A schedule with a day of the month and of the week",
        "deployment",
        *_EXPRESSIONS,
        where=_is_cron,
        to="cron(0 6 1 * 2 *)",
    ),
    sets(
        "schedule-hour-25",
        "A schedule at an hour that no day has",
        "deployment",
        *_EXPRESSIONS,
        where=_is_cron,
        to="cron(0 25 * * ? *)",
    ),
    sets(
        "schedule-never",
        "A schedule of a rate that never comes",
        "deployment",
        *_EXPRESSIONS,
        where=_is_cron,
        to="rate(0 hours)",
    ),
    sets(
        "schedule-zone",
        "A schedule in a time zone that does not exist",
        "deployment",
        f"{_SCHEDULE}.ScheduleExpressionTimezone",
        to="Europe/Atlantis",
    ),
    drops("drop-rule-queue", "A rule whose failed events are lost", "security", f"{_RULE}.Targets.*.DeadLetterConfig"),
    drops(
        "drop-schedule-queue",
        "A schedule whose failed calls are lost",
        "security",
        f"{_SCHEDULE}.Target.DeadLetterConfig",
    ),
    drops(
        "drop-target-role",
        "A target that is called without a role",
        "deployment",
        f"{_RULE}.Targets.*.RoleArn",
        f"{_SCHEDULE}.Target.RoleArn",
    ),
    sets("pattern-empty", "A rule without a pattern", "deployment", f"{_RULE}.EventPattern", to={}),
)
