"""A schedule is written in the grammar of the service that reads it."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit import cron
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_ROWS = by_type("schedules", "schedule")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for row in _ROWS[resource.type]:
        for path, value in view.listed(resource, row["path"]):
            given = view.text(value)
            if given is None or given == row.get("once") or "${" in given:
                continue
            wrong = cron.fault(row["grammar"], given)
            if wrong and row.get("seconds") and len(given.split()) in (6, 7):
                continue
            if wrong:
                yield Fault(path, given, wrong, error=row["error"])
        for path, value in view.listed(resource, row.get("zone", "(none)")):
            zone = view.plain(value)
            if zone is not None and cron.zones() and zone not in cron.zones():
                yield Fault(
                    path, zone, "there is no such time zone", error="The time zone is not valid (ValidationException)"
                )


CHECK = Check(
    id="deploy-schedule-valid",
    title="A schedule is written in the grammar of the service that reads it",
    phase="create",
    why="Each service has its own grammar: six fields or five, with rate() and at() or without, hourly or daily only.",
    fix="Write the expression as the service's page says.",
    error="The schedule expression is not valid (ValidationException)",
    sources=(
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ScheduleConfig.html",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html",
    ),
    covers=("DF-059",),
    types=tuple(_ROWS),
    look=look,
)
