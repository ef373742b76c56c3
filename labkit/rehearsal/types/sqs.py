"""SQS: queues that queue, and their policies."""

from __future__ import annotations

import json
from typing import Any

from labkit.rehearsal.types.row import Made, Row, Scene
from labkit.rehearsal.types.sns import _text

ATTRIBUTES = (
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)
DEFAULTS = {
    "DelaySeconds": "0",
    "VisibilityTimeout": "30",
    "MessageRetentionPeriod": "345600",
    "MaximumMessageSize": "1048576",
    "ReceiveMessageWaitTimeSeconds": "0",
}


def _create(scene: Scene) -> Made:
    name = scene.name("QueueName", longest=80)
    given = {key: _text(item) for key, item in scene.take(*ATTRIBUTES).items()}
    if given.get("FifoQueue") == "true" and not name.endswith(".fifo"):
        name += ".fifo"
    url = scene.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": given, **scene.take("Tags")})["QueueUrl"]
    scene.physical_id = url
    scene.kept(given, _read(scene, url))
    return Made(url, {"Arn": scene.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _read(scene: Scene, url: str) -> dict[str, Any]:
    found: dict[str, Any] = scene.call("sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]})[
        "Attributes"
    ]
    return found


def _update(scene: Scene) -> Made:
    scene.take("QueueName")
    given = scene.take(*ATTRIBUTES)
    sent = {name: _text(given.get(name, DEFAULTS.get(name, ""))) for name in ATTRIBUTES if scene.changed(name)}
    if sent:
        scene.call("sqs", "SetQueueAttributes", {"QueueUrl": scene.physical_id, "Attributes": sent})
        scene.kept({name: item for name, item in sent.items() if item}, _read(scene, scene.physical_id))
    scene.retag("sqs", {"QueueUrl": scene.physical_id}, untag="UntagQueue", tag="TagQueue")
    return Made(scene.physical_id, scene.attributes)


def _delete(scene: Scene) -> None:
    scene.call("sqs", "DeleteQueue", {"QueueUrl": scene.physical_id})


def _put_policy(scene: Scene) -> Made:
    given = scene.rest()
    for url in given["Queues"]:
        scene.call(
            "sqs",
            "SetQueueAttributes",
            {"QueueUrl": url, "Attributes": {"Policy": json.dumps(given["PolicyDocument"])}},
        )
        scene.kept(given["PolicyDocument"], json.loads(_read(scene, url)["Policy"]))
    for url in scene.old.get("Queues", []):
        if url not in given["Queues"]:
            scene.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": {"Policy": ""}})
    name = scene.physical_id or scene.generated()
    return Made(name, {"Id": name})


def _delete_policy(scene: Scene) -> None:
    for url in scene.properties["Queues"]:
        scene.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": {"Policy": ""}})


ROWS = [
    Row(type="AWS::SQS::Queue", label="executed", create=_create, update=_update, delete=_delete),
    Row(
        type="AWS::SQS::QueuePolicy",
        label="recorded",
        create=_put_policy,
        update=_put_policy,
        delete=_delete_policy,
        notes=("stored; not enforced",),
    ),
]
