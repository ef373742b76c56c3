"""What starts a pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.acceptance import accept
from stacks.secure.bucket import Bucket
from stacks.secure.key import Key
from stacks.secure.names import placed, sub, sub_text
from stacks.secure.pipeline import Pipeline
from stacks.secure.queue import Queue
from stacks.secure.role import Role


def tell_events(*buckets: Bucket) -> None:
    """Let buckets tell EventBridge of every new object."""
    kind = s3.CfnBucket
    for bucket in buckets:
        bucket.notification_configuration = kind.NotificationConfigurationProperty(
            event_bridge_configuration=kind.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )


class NotStarted(Queue):
    """Keeps events that could not start a pipeline, encrypted, for two weeks."""

    def __init__(self, scope: Construct, id: str, *, key: Key) -> None:
        super().__init__(scope, id, key=key)
        accept(
            self,
            "AwsSolutions-SQS3",
            "Serverless-SQSRedrivePolicy",
            because="this is itself the queue of dead letters, of EventBridge rules; the checks know those of queues only",
            kind="false-positive",
        )


class Triggers(Construct):
    """Events and times that start one pipeline, through a role that can do nothing else.

    Args:
        pipeline: what they start.
        undelivered: keeps events that could not start it.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, undelivered: NotStarted) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        self._pipeline, self._undelivered = pipeline, undelivered
        self.role_ = Role(self, "Role", service="events")
        self.role_.allow("codepipeline:StartPipelineExecution", on=sub(pipeline.sub_arn))

    def on_event(
        self, id: str, pattern: Mapping[str, Any], *, text: str, variables: Mapping[str, str] | None = None
    ) -> None:
        """Start when an event matches.

        Args:
            id: construct id.
            pattern: as EventBridge compares it.
            text: what the rule is for.
            variables: pipeline variable to the place in the event it comes from, such as ``$.detail.ModelPackageArn``.
        """
        self._rule(id, text, variables=variables, event_pattern=dict(pattern))

    def on_new_object(self, id: str, *, bucket: str, begins: str, text: str) -> None:
        """Start when an object whose key begins so is put into a bucket that tells EventBridge."""
        detail = {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": begins}]}}
        self.on_event(id, {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}, text=text)

    def on_alarm(self, id: str, *, begins: str, text: str) -> None:
        """Start when an alarm whose name begins so goes off."""
        detail = {"alarmName": [{"prefix": begins}], "state": {"value": ["ALARM"]}}
        pattern = {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "detail": detail}
        self.on_event(id, pattern, text=text)

    def on_approval(self, id: str, *, group: str, variable: str, text: str) -> None:
        """Start when a version of a group of models is approved, with its ARN as a variable of the pipeline.

        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
        """
        detail = {"ModelPackageGroupName": [group], "ModelApprovalStatus": ["Approved"]}
        pattern = {
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Model Package State Change"],
            "detail": detail,
        }
        self.on_event(id, pattern, text=text, variables={variable: "$.detail.ModelPackageArn"})

    def at(self, id: str, *, cron: str, text: str) -> None:
        """Start at times, in UTC."""
        self._rule(id, text, schedule_expression=f"cron({cron})")

    def _rule(self, id: str, text: str, *, variables: Mapping[str, str] | None = None, **given: Any) -> None:
        kind = events.CfnRule
        rule = kind(
            self,
            id,
            description=text,
            state="ENABLED",
            targets=[
                kind.TargetProperty(
                    id="Pipeline",
                    arn=sub_text(self._pipeline.sub_arn),
                    role_arn=self.role_.arn_,
                    # Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-trigger-source-overrides-eventbridge.html
                    input_transformer=_overriding(variables) if variables else None,
                    dead_letter_config=kind.DeadLetterConfigProperty(arn=self._undelivered.arn_),
                    retry_policy=kind.RetryPolicyProperty(maximum_event_age_in_seconds=3600, maximum_retry_attempts=10),
                )
            ],
            **given,
        )
        placed(rule, self, id)
        self.role_.ready(rule)
        self._undelivered.serve_rules(rule)


def _overriding(variables: Mapping[str, str]) -> events.CfnRule.InputTransformerProperty:
    listed = [{"name": name, "value": f"<{name}>"} for name in variables]
    return events.CfnRule.InputTransformerProperty(
        input_paths_map=dict(variables), input_template=json.dumps({"variables": listed})
    )
