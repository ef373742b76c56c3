"""Glue: databases, tables, crawlers, jobs and security configurations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from labkit.rehearsal.types.row import Made, Properties, Row, Scene
from labkit.rehearsal.types.table import by, deleting, simple


def _database(scene: Scene) -> Made:
    given = scene.take("CatalogId", "DatabaseInput", "DatabaseName")
    content = dict(given["DatabaseInput"])
    content.setdefault("Name", given.get("DatabaseName") or scene.physical_id or scene.generated(lower=True))
    content["Name"] = content["Name"].lower()
    if scene.old:
        scene.call("glue", "UpdateDatabase", {"Name": scene.physical_id, "DatabaseInput": content}, under="")
    else:
        scene.call("glue", "CreateDatabase", {"DatabaseInput": content}, under="")
    scene.physical_id = content["Name"]
    scene.kept(content, scene.call("glue", "GetDatabase", {"Name": content["Name"]})["Database"])
    return Made(content["Name"])


def _table(scene: Scene) -> Made:
    given = scene.take("CatalogId", "DatabaseName", "Name", "TableInput")
    content = dict(given.get("TableInput", {}))
    content.setdefault("Name", given.get("Name") or scene.physical_id or scene.generated(lower=True))
    database = {"DatabaseName": given["DatabaseName"]}
    scene.call("glue", "UpdateTable" if scene.old else "CreateTable", {**database, "TableInput": content}, under="")
    scene.physical_id = content["Name"]
    scene.kept(content, scene.call("glue", "GetTable", {**database, "Name": content["Name"]})["Table"])
    return Made(content["Name"])


def _delete_table(scene: Scene) -> None:
    scene.call("glue", "DeleteTable", {"DatabaseName": scene.properties["DatabaseName"], "Name": scene.physical_id})


def _crawler(scene: Scene, given: Properties) -> Properties:
    # The API takes the bare cron expression where CloudFormation wraps it.
    schedule = given.pop("Schedule", None)
    if schedule is not None:
        given["Schedule"] = schedule.get("ScheduleExpression", "")
    return given


def _read_crawler(scene: Scene) -> Any:
    return {"Name": scene.physical_id}


def _change_job(scene: Scene) -> Made:
    scene.take("Name")
    given = scene.take(*[name for name in scene.properties if name != "Tags"])
    scene.call("glue", "UpdateJob", {"JobName": scene.physical_id, "JobUpdate": given})
    scene.kept(given, scene.call("glue", "GetJob", {"JobName": scene.physical_id})["Job"])
    # Glue names its parameters otherwise than every other service.
    if scene.changed("Tags"):
        arn = {"ResourceArn": scene.arn("glue", f"job/{scene.physical_id}")}
        scene.call("glue", "UntagResource", {**arn, "TagsToRemove": list(scene.old.get("Tags", {}))})
        scene.call("glue", "TagResource", {**arn, "TagsToAdd": scene.properties.get("Tags", {})})
    scene.take("Tags")
    return Made(scene.physical_id, scene.attributes)


ROWS = [
    Row(
        type="AWS::Glue::Database",
        label="recorded",
        create=_database,
        update=_database,
        replaced_by=frozenset({"CatalogId"}),
        delete=deleting("glue", "DeleteDatabase", by("Name")),
    ),
    Row(type="AWS::Glue::Table", label="recorded", create=_table, update=_table, delete=_delete_table),
    simple(
        "AWS::Glue::Crawler",
        "glue",
        create="CreateCrawler",
        name="Name",
        update=("UpdateCrawler", by("Name")),
        send=_crawler,
        read=("GetCrawler", _read_crawler),
        within="Crawler",
        delete=("DeleteCrawler", by("Name")),
        unread={"Schedule": "read back as a structure"},
    ),
    simple(
        "AWS::Glue::SecurityConfiguration",
        "glue",
        create="CreateSecurityConfiguration",
        name="Name",
        send=lambda scene, given: {
            **given,
            "EncryptionConfiguration": {
                ("S3Encryption" if key == "S3Encryptions" else key): item
                for key, item in given["EncryptionConfiguration"].items()
            },
        },
        read=("GetSecurityConfiguration", by("Name")),
        within="SecurityConfiguration",
        delete=("DeleteSecurityConfiguration", by("Name")),
        replaced_by=frozenset({"EncryptionConfiguration"}),
    ),
    replace(
        simple(
            "AWS::Glue::Job",
            "glue",
            create="CreateJob",
            name="Name",
            read=("GetJob", by("JobName")),
            within="Job",
            delete=("DeleteJob", by("JobName")),
        ),
        update=_change_job,
    ),
]
