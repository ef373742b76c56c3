"""Hands a message to what an ARN names: a function, a queue, a topic, a state machine, a pipeline, a log group."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


class DeliveryError(Exception):
    """A kind of target that the rehearsal does not reach."""


def deliver(context: Context, arn: str, text: str, *, settings: dict[str, Any] | None = None) -> None:
    """Send ``text`` to the resource ``arn``.

    Args:
        settings: the target as EventBridge holds it (``SqsParameters`` ...).

    Raises:
        DeliveryError: the service behind ``arn`` is not one of those named above.
    """
    _, _, service, region, account, resource = arn.split(":", 5)
    more = settings or {}
    if service == "lambda":
        context.client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=text.encode())
    elif service == "sqs":
        url = context.client("sqs").get_queue_url(QueueName=resource, QueueOwnerAWSAccountId=account)["QueueUrl"]
        group = {"MessageGroupId": more["SqsParameters"]["MessageGroupId"]} if more.get("SqsParameters") else {}
        context.client("sqs").send_message(QueueUrl=url, MessageBody=text, **group)
    elif service == "sns":
        context.client("sns").publish(TopicArn=arn, Message=text)
    elif service == "states":
        context.client("stepfunctions").start_execution(stateMachineArn=arn, name=str(uuid.uuid4()), input=text)
    elif service == "sagemaker" and resource.startswith("pipeline/"):
        values = more.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
        context.client("sagemaker").start_pipeline_execution(
            PipelineName=resource.partition("/")[2], PipelineParameters=values, ClientRequestToken=uuid.uuid4().hex
        )
    elif service == "codepipeline":
        try:
            given = json.loads(text)
        except ValueError:
            given = text
        body = json.dumps({"input": given, "rule": more.get("RuleArn", "")}).encode()
        context.routes()["codepipeline"]("POST", f"start/{resource}", body)
    elif service == "events" and resource.startswith("event-bus/"):
        event = json.loads(text)
        context.client("events").put_events(
            Entries=[
                {
                    "Source": event["source"],
                    "DetailType": event["detail-type"],
                    "Detail": json.dumps(event["detail"]),
                    "EventBusName": arn,
                }
            ]
        )
    elif service == "logs":
        from labkit.rehearsal.runtime import logs

        logs.write(context, resource.removeprefix("log-group:").removesuffix(":*"), str(uuid.uuid4()), [text])
    else:
        raise DeliveryError(f"{service} in {region}")
