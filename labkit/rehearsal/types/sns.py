"""SNS: topics that deliver, their policies and subscriptions."""

from __future__ import annotations

import json
from typing import Any

from labkit.rehearsal.types.row import Made, Row, Scene
from labkit.rehearsal.types.table import simple

ATTRIBUTES = (
    "DisplayName",
    "KmsMasterKeyId",
    "FifoTopic",
    "ContentBasedDeduplication",
    "SignatureVersion",
    "TracingConfig",
    "FifoThroughputScope",
    "ArchivePolicy",
)
OF_SUBSCRIPTION = (
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    "SubscriptionRoleArn",
    "ReplayPolicy",
)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _create(scene: Scene) -> Made:
    name = scene.name("TopicName", longest=256)
    given = {key: _text(item) for key, item in scene.take(*ATTRIBUTES).items()}
    arn = scene.call("sns", "CreateTopic", {"Name": name, "Attributes": given, **scene.take("Tags")})["TopicArn"]
    scene.physical_id = arn
    scene.kept(given, scene.call("sns", "GetTopicAttributes", {"TopicArn": arn})["Attributes"])
    _subscribe(scene)
    return Made(arn, {"TopicArn": arn, "TopicName": name})


def _subscribe(scene: Scene) -> None:
    wanted, before = scene.take("Subscription").get("Subscription", []), scene.old.get("Subscription", [])
    for entry in wanted:
        if entry not in before:
            scene.call("sns", "Subscribe", {"TopicArn": scene.physical_id, **entry})
    known = (
        scene.call("sns", "ListSubscriptionsByTopic", {"TopicArn": scene.physical_id})["Subscriptions"]
        if before
        else []
    )
    for entry in before:
        for one in known:
            if entry not in wanted and (one["Protocol"], one["Endpoint"]) == (entry["Protocol"], entry["Endpoint"]):
                scene.call("sns", "Unsubscribe", {"SubscriptionArn": one["SubscriptionArn"]})


def _update(scene: Scene) -> Made:
    arn = scene.physical_id
    scene.take("TopicName")
    given = scene.take(*ATTRIBUTES)
    for name in ATTRIBUTES:
        if scene.changed(name):
            scene.call(
                "sns",
                "SetTopicAttributes",
                {"TopicArn": arn, "AttributeName": name, "AttributeValue": _text(given.get(name, ""))},
            )
    scene.retag("sns", {"ResourceArn": arn})
    _subscribe(scene)
    return Made(arn, scene.attributes)


def _delete(scene: Scene) -> None:
    for one in scene.call("sns", "ListSubscriptionsByTopic", {"TopicArn": scene.physical_id})["Subscriptions"]:
        scene.call("sns", "Unsubscribe", {"SubscriptionArn": one["SubscriptionArn"]})
    scene.call("sns", "DeleteTopic", {"TopicArn": scene.physical_id})


def _put_policy(scene: Scene) -> Made:
    given = scene.rest()
    for topic in given["Topics"]:
        _set_policy(scene, topic, given["PolicyDocument"])
        read = scene.call("sns", "GetTopicAttributes", {"TopicArn": topic})["Attributes"]["Policy"]
        scene.kept(given["PolicyDocument"], json.loads(read))
    for topic in scene.old.get("Topics", []):
        if topic not in given["Topics"]:
            _set_policy(scene, topic, _default_policy(scene, topic))
    name = scene.physical_id or scene.generated()
    return Made(name, {"Id": name})


def _set_policy(scene: Scene, topic: str, document: Any) -> None:
    scene.call(
        "sns",
        "SetTopicAttributes",
        {"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": json.dumps(document)},
    )


def _default_policy(scene: Scene, topic: str) -> dict[str, Any]:
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Resource": topic,
                "Action": [
                    "SNS:Publish",
                    "SNS:Subscribe",
                    "SNS:GetTopicAttributes",
                    "SNS:SetTopicAttributes",
                    "SNS:DeleteTopic",
                ],
                "Condition": {"StringEquals": {"AWS:SourceOwner": scene.account}},
            }
        ],
    }


def _delete_policy(scene: Scene) -> None:
    for topic in scene.properties["Topics"]:
        _set_policy(scene, topic, _default_policy(scene, topic))


def _subscription(scene: Scene, given: dict[str, Any]) -> dict[str, Any]:
    attributes = {name: _text(given.pop(name)) for name in OF_SUBSCRIPTION if name in given}
    return {**given, "ReturnSubscriptionArn": True, "Attributes": attributes}


def _change_subscription(scene: Scene) -> Made:
    given = scene.rest()
    for name in OF_SUBSCRIPTION:
        if scene.changed(name):
            value = (
                _text(given[name])
                if name in given
                else {"FilterPolicy": "{}", "RawMessageDelivery": "false"}.get(name, "")
            )
            scene.call(
                "sns",
                "SetSubscriptionAttributes",
                {"SubscriptionArn": scene.physical_id, "AttributeName": name, "AttributeValue": value},
            )
    return Made(scene.physical_id, scene.attributes)


_SUBSCRIPTION = simple(
    "AWS::SNS::Subscription",
    "sns",
    create="Subscribe",
    send=_subscription,
    label="executed",
    ref=lambda scene, answer: answer["SubscriptionArn"],
    attributes=lambda scene, answer: {"Arn": answer["SubscriptionArn"]},
    delete=("Unsubscribe", lambda scene: {"SubscriptionArn": scene.physical_id}),
    accepted={"Region": "one region is emulated, so the topic's region is this one"},
)

ROWS = [
    Row(
        type="AWS::SNS::Topic",
        label="executed",
        create=_create,
        update=_update,
        delete=_delete,
        notes=("delivers to SQS; e-mail is recorded; its key's policy is not enforced",),
    ),
    Row(
        type="AWS::SNS::TopicPolicy",
        label="recorded",
        create=_put_policy,
        update=_put_policy,
        delete=_delete_policy,
        notes=("stored; not enforced",),
    ),
    Row(
        type=_SUBSCRIPTION.type,
        label="executed",
        create=_SUBSCRIPTION.create,
        update=_change_subscription,
        delete=_SUBSCRIPTION.delete,
        accepted=_SUBSCRIPTION.accepted,
    ),
]
