"""EventBridge: rules with their targets, and buses."""

from __future__ import annotations

from typing import Any

from labkit.rehearsal.types.row import Made, Row, Scene
from labkit.rehearsal.types.table import by, simple


def _bus(scene: Scene) -> dict[str, Any]:
    return {"EventBusName": scene.properties["EventBusName"]} if "EventBusName" in scene.properties else {}


def _rule(scene: Scene) -> Made:
    if scene.old:
        scene.take("Name")
        name = scene.attributes["RuleName"]
    else:
        name = scene.name("Name", longest=64)
    given = scene.take("Description", "EventPattern", "RoleArn", "ScheduleExpression", "State", "EventBusName", "Tags")
    arn = scene.call("events", "PutRule", {"Name": name, **given})["RuleArn"]
    scene.physical_id = name
    scene.kept(given, scene.call("events", "DescribeRule", {"Name": name, **_bus(scene)}), but=("Tags",))
    targets = scene.take("Targets").get("Targets", [])
    gone = {target["Id"] for target in scene.old.get("Targets", [])} - {target["Id"] for target in targets}
    if gone:
        scene.call("events", "RemoveTargets", {"Rule": name, "Ids": sorted(gone), **_bus(scene)})
    if targets:
        answer = scene.call("events", "PutTargets", {"Rule": name, "Targets": targets, **_bus(scene)}, under="")
        assert not answer.get("FailedEntryCount"), answer
        scene.kept({"Targets": targets}, scene.call("events", "ListTargetsByRule", {"Rule": name, **_bus(scene)}))
    bus = scene.properties.get("EventBusName", "default")
    return Made(name if bus == "default" else f"{bus}|{name}", {"Arn": arn, "RuleName": name})


def _delete(scene: Scene) -> None:
    name = scene.attributes["RuleName"]
    ids = [
        target["Id"] for target in scene.call("events", "ListTargetsByRule", {"Rule": name, **_bus(scene)})["Targets"]
    ]
    if ids:
        scene.call("events", "RemoveTargets", {"Rule": name, "Ids": ids, **_bus(scene)})
    scene.call("events", "DeleteRule", {"Name": name, **_bus(scene)})


ROWS = [
    Row(
        type="AWS::Events::Rule",
        label="recorded",
        create=_rule,
        update=_rule,
        delete=_delete,
        replaced_by=frozenset({"EventBusName"}),
    ),
    simple(
        "AWS::Events::EventBus",
        "events",
        create="CreateEventBus",
        name="Name",
        attributes=lambda scene, answer: {"Arn": answer["EventBusArn"], "Name": scene.physical_id},
        delete=("DeleteEventBus", by("Name")),
    ),
]
