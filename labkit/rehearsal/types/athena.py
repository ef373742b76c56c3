"""Athena: workgroups and named queries."""

from __future__ import annotations

from typing import Any

from labkit.rehearsal.types.row import Made, Row, Scene
from labkit.rehearsal.types.table import by, simple


def _create(scene: Scene) -> Made:
    name = scene.name("Name")
    configuration = scene.take("WorkGroupConfiguration").get("WorkGroupConfiguration", {})
    state = scene.take("State").get("State", "ENABLED")
    scene.take("RecursiveDeleteOption")
    scene.call(
        "athena",
        "CreateWorkGroup",
        {"Name": name, "Configuration": configuration, **scene.take("Description", "Tags")},
        under="",
    )
    scene.physical_id = name
    if state != "ENABLED":
        scene.call("athena", "UpdateWorkGroup", {"WorkGroup": name, "State": state})
    _check(scene, configuration)
    return Made(name, {"CreationTime": scene.context.clock.now().isoformat()})


def _check(scene: Scene, configuration: dict[str, Any]) -> None:
    read = scene.call("athena", "GetWorkGroup", {"WorkGroup": scene.physical_id})["WorkGroup"]
    scene.kept({"Configuration": configuration}, read)


def _update(scene: Scene) -> Made:
    scene.take("Name", "RecursiveDeleteOption")
    configuration = scene.take("WorkGroupConfiguration").get("WorkGroupConfiguration", {})
    given = scene.take("State", "Description", "WorkGroupConfigurationUpdates")
    updates = {**configuration, **given.get("WorkGroupConfigurationUpdates", {})}
    if "ResultConfiguration" in updates:
        updates["ResultConfigurationUpdates"] = updates.pop("ResultConfiguration")
    scene.call(
        "athena",
        "UpdateWorkGroup",
        {
            "WorkGroup": scene.physical_id,
            "ConfigurationUpdates": updates,
            **{key: item for key, item in given.items() if key in ("State", "Description")},
        },
        under="",
    )
    scene.retag("athena", {"ResourceARN": scene.arn("athena", f"workgroup/{scene.physical_id}")})
    _check(scene, configuration)
    return Made(scene.physical_id, scene.attributes)


def _delete(scene: Scene) -> None:
    recursive = str(scene.properties.get("RecursiveDeleteOption", False)).lower() == "true"
    scene.call("athena", "DeleteWorkGroup", {"WorkGroup": scene.physical_id, "RecursiveDeleteOption": recursive})


ROWS = [
    Row(type="AWS::Athena::WorkGroup", label="recorded", create=_create, update=_update, delete=_delete),
    simple(
        "AWS::Athena::NamedQuery",
        "athena",
        create="CreateNamedQuery",
        name="Name",
        ref=lambda scene, answer: answer["NamedQueryId"],
        attributes=lambda scene, answer: {"NamedQueryId": answer["NamedQueryId"]},
        read=("GetNamedQuery", by("NamedQueryId")),
        within="NamedQuery",
        delete=("DeleteNamedQuery", by("NamedQueryId")),
    ),
]
