"""EventBridge Scheduler: schedules and their groups."""

from __future__ import annotations

from typing import Any

from labkit.rehearsal.types.row import Scene
from labkit.rehearsal.types.table import by, simple


def _key(scene: Scene) -> dict[str, Any]:
    group = scene.properties.get("GroupName")
    return {"Name": scene.physical_id, **({"GroupName": group} if group else {})}


ROWS = [
    simple(
        "AWS::Scheduler::Schedule",
        "scheduler",
        create="CreateSchedule",
        name="Name",
        longest=64,
        attributes=lambda scene, answer: {"Arn": answer["ScheduleArn"]},
        update=("UpdateSchedule", _key),
        read=("GetSchedule", _key),
        delete=("DeleteSchedule", _key),
        unread={"StartDate": "read back in another format", "EndDate": "read back in another format"},
        replaced_by=frozenset({"GroupName"}),
    ),
    simple(
        "AWS::Scheduler::ScheduleGroup",
        "scheduler",
        create="CreateScheduleGroup",
        name="Name",
        longest=64,
        attributes=lambda scene, answer: {"Arn": answer["ScheduleGroupArn"], "State": "ACTIVE"},
        delete=("DeleteScheduleGroup", by("Name")),
    ),
]
