"""What follows a change of an alarm: a message to a topic, an event on the bus."""

from __future__ import annotations

import json
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.delivery import DeliveryError, deliver

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

SERVICE = "cloudwatch.amazonaws.com"
# Amazon SNS: "Encrypting messages published to Amazon SNS with AWS KMS", event sources need both.
_NEEDED = ("kms:Decrypt", "kms:GenerateDataKey")


def act(context: Context, alarm: Any, arn: str, old: str, now: datetime) -> str:
    """Carry out one action; returns what went wrong, or an empty string.

    An encrypted topic whose key does not admit CloudWatch gets nothing, as in AWS; the ledger says so.
    """
    service = arn.split(":")[2]
    if service == "autoscaling":
        return ""  # scaling looks at the state of its alarms itself
    if service == "sns":
        if problem := _locked_out(context, arn):
            context.ledger.note(f"no message for alarm {alarm.name}: {problem}", about=arn)
            return problem
        subject = f'{alarm.state_value}: "{alarm.name}" in {context.region}'[:100]
        context.client("sns").publish(TopicArn=arn, Subject=subject, Message=_message(context, alarm, old, now))
        return ""
    try:
        deliver(context, arn, _message(context, alarm, old, now))
    except DeliveryError as problem:
        context.ledger.note(f"alarm action not rehearsed: {problem}", about=alarm.name)
        return str(problem)
    return ""


def announce(context: Context, alarm: Any, old: str, now: datetime) -> None:
    """Put the event ``CloudWatch Alarm State Change`` on the default bus."""
    detail = {
        "alarmName": alarm.name,
        "state": {
            "value": alarm.state_value,
            "reason": alarm.state_reason,
            "reasonData": alarm.state_reason_data,
            "timestamp": now.isoformat(),
        },
        "previousState": {"value": old},
        "configuration": {"description": alarm.description or ""},
    }
    context.client("events").put_events(
        Entries=[
            {
                "Time": now,
                "Source": "aws.cloudwatch",
                "DetailType": "CloudWatch Alarm State Change",
                "Detail": json.dumps(detail),
                "Resources": [alarm.alarm_arn],
            }
        ]
    )


def _message(context: Context, alarm: Any, old: str, now: datetime) -> str:
    return json.dumps(
        {
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "AWSAccountId": context.account,
            "NewStateValue": alarm.state_value,
            "NewStateReason": alarm.state_reason,
            "StateChangeTime": now.isoformat(),
            "Region": context.region,
            "AlarmArn": alarm.alarm_arn,
            "OldStateValue": old,
            "OKActions": alarm.ok_actions,
            "AlarmActions": alarm.alarm_actions,
            "InsufficientDataActions": alarm.insufficient_data_actions,
            "Trigger": {
                "MetricName": alarm.metric_name,
                "Namespace": alarm.namespace,
                "Dimensions": [{"name": each.name, "value": each.value} for each in alarm.dimensions],
                "Period": alarm.period,
                "EvaluationPeriods": alarm.evaluation_periods,
                "ComparisonOperator": alarm.comparison_operator,
                "Threshold": alarm.threshold,
                "TreatMissingData": alarm.treat_missing_data or "",
            },
        }
    )


def _locked_out(context: Context, topic: str) -> str:
    attributes = context.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    key = attributes.get("KmsMasterKeyId")
    if not key:
        return ""
    if key.endswith("alias/aws/sns"):
        return "the topic is encrypted with alias/aws/sns, whose policy does not admit CloudWatch"
    kms = context.client("kms")
    key_id = kms.describe_key(KeyId=key)["KeyMetadata"]["KeyId"]
    policy = json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    for needed in _NEEDED:
        if not any(_admits(statement, needed) for statement in statements):
            return f"the policy of the topic's key does not allow {SERVICE} {needed}"
    return ""


def _admits(statement: dict[str, Any], action: str) -> bool:
    principal = statement.get("Principal", {})
    services = principal.get("Service", []) if isinstance(principal, dict) else ["*"] if principal == "*" else []
    actions = statement.get("Action", [])
    granted = [actions] if isinstance(actions, str) else actions
    named = [services] if isinstance(services, str) else services
    return (
        statement.get("Effect") == "Allow"
        and any(name in (SERVICE, "*") for name in named)
        and any(fnmatchcase(action.lower(), pattern.lower()) for pattern in granted)
    )
