"""CloudWatch: alarms, composite alarms and dashboards."""

from __future__ import annotations

import json
from typing import Any

from labkit.rehearsal.stacks.faults import ResourceFailed
from labkit.rehearsal.types.row import Made, Row, Scene
from labkit.rehearsal.types.table import deleting, simple


def _alarm(type: str, operation: str, within: str) -> Row:
    kind = within[:-1]
    return simple(
        type,
        "cloudwatch",
        create=operation,
        name="AlarmName",
        update="create",
        attributes=lambda scene, answer: {"Arn": scene.arn("cloudwatch", f"alarm:{scene.physical_id}")},
        read=("DescribeAlarms", lambda scene: {"AlarmNames": [scene.physical_id], "AlarmTypes": [kind]}),
        within=within,
        delete=("DeleteAlarms", lambda scene: {"AlarmNames": [scene.physical_id]}),
    )


def _dashboard(scene: Scene) -> Made:
    name = scene.name("DashboardName")
    given = scene.take("DashboardBody")
    try:
        body: Any = json.loads(given["DashboardBody"])
    except ValueError as error:
        raise ResourceFailed(f"The field DashboardBody must be a valid JSON object ({error})") from None
    scene.call("cloudwatch", "PutDashboard", {"DashboardName": name, **given, **scene.take("Tags")})
    arn = scene.arn("cloudwatch", f"dashboard/{name}", region="")
    if "Tags" in scene.properties:
        kept = scene.call("cloudwatch", "ListTagsForResource", {"ResourceARN": arn})["Tags"]
        scene.kept({"Tags": scene.properties["Tags"]}, {"Tags": kept})
    read = scene.call("cloudwatch", "GetDashboard", {"DashboardName": name})
    scene.kept({"DashboardBody": body}, {"DashboardBody": json.loads(read["DashboardBody"])})
    return Made(name)


ROWS = [
    _alarm("AWS::CloudWatch::Alarm", "PutMetricAlarm", "MetricAlarms"),
    _alarm("AWS::CloudWatch::CompositeAlarm", "PutCompositeAlarm", "CompositeAlarms"),
    Row(
        type="AWS::CloudWatch::Dashboard",
        label="recorded",
        create=_dashboard,
        update=_dashboard,
        delete=deleting("cloudwatch", "DeleteDashboards", lambda scene: {"DashboardNames": [scene.physical_id]}),
    ),
]
