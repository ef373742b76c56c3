"""CloudWatch Logs: groups that keep events, and what reads them."""

from __future__ import annotations

from typing import Any

from labkit.rehearsal.types.row import Made, Row, Scene
from labkit.rehearsal.types.table import by, deleting, simple


def _create(scene: Scene) -> Made:
    name = scene.name("LogGroupName", longest=512)
    given = scene.take("KmsKeyId", "LogGroupClass", "Tags")
    scene.call("logs", "CreateLogGroup", {"logGroupName": name, **given})
    scene.physical_id = name
    _retain(scene)
    read = _read(scene)
    scene.kept(
        {
            key: item
            for key, item in scene.properties.items()
            if key in ("KmsKeyId", "RetentionInDays", "LogGroupClass")
        },
        read,
    )
    return Made(name, {"Arn": scene.arn("logs", f"log-group:{name}:*")})


def _read(scene: Scene) -> dict[str, Any]:
    groups = scene.call("logs", "DescribeLogGroups", {"logGroupNamePrefix": scene.physical_id})["logGroups"]
    return next(group for group in groups if group["logGroupName"] == scene.physical_id)


def _retain(scene: Scene) -> None:
    days = scene.take("RetentionInDays").get("RetentionInDays")
    if not scene.changed("RetentionInDays"):
        return
    if days is None:
        scene.call("logs", "DeleteRetentionPolicy", {"logGroupName": scene.physical_id})
    else:
        scene.call("logs", "PutRetentionPolicy", {"logGroupName": scene.physical_id, "retentionInDays": days})


def _update(scene: Scene) -> Made:
    scene.take("LogGroupName", "LogGroupClass")
    given = scene.take("KmsKeyId")
    if scene.changed("KmsKeyId"):
        if "KmsKeyId" in given:
            scene.call("logs", "AssociateKmsKey", {"logGroupName": scene.physical_id, "kmsKeyId": given["KmsKeyId"]})
        else:
            scene.call("logs", "DisassociateKmsKey", {"logGroupName": scene.physical_id})
    arn = scene.arn("logs", f"log-group:{scene.physical_id}")
    scene.retag("logs", {"resourceArn": arn}, keys="tagKeys")
    _retain(scene)
    return Made(scene.physical_id, scene.attributes)


def _delete(scene: Scene) -> None:
    scene.call("logs", "DeleteLogGroup", {"logGroupName": scene.physical_id})


def _query(scene: Scene) -> Made:
    given = scene.rest()
    existing = {"queryDefinitionId": scene.physical_id} if scene.physical_id else {}
    answer = scene.call("logs", "PutQueryDefinition", {**given, **existing})
    return Made(answer["queryDefinitionId"], {"QueryDefinitionId": answer["queryDefinitionId"]})


ROWS = [
    Row(
        type="AWS::Logs::LogGroup",
        label="executed",
        create=_create,
        update=_update,
        delete=_delete,
        notes=("keeps events; nothing expires",),
    ),
    simple(
        "AWS::Logs::ResourcePolicy",
        "logs",
        create="PutResourcePolicy",
        name="PolicyName",
        update="create",
        delete=("DeleteResourcePolicy", by("policyName")),
        notes=("stored; not enforced",),
    ),
    simple(
        "AWS::Logs::MetricFilter",
        "logs",
        create="PutMetricFilter",
        name="FilterName",
        update="create",
        delete=(
            "DeleteMetricFilter",
            lambda scene: {"logGroupName": scene.properties["LogGroupName"], "filterName": scene.physical_id},
        ),
        read=(
            "DescribeMetricFilters",
            lambda scene: {"logGroupName": scene.properties["LogGroupName"], "filterNamePrefix": scene.physical_id},
        ),
        within="metricFilters",
        notes=("stored; no metric is made of events",),
    ),
    Row(
        type="AWS::Logs::QueryDefinition",
        label="recorded",
        create=_query,
        update=_query,
        delete=deleting("logs", "DeleteQueryDefinition", by("queryDefinitionId")),
    ),
]
