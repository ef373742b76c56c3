"""Shipping versions of a model to one endpoint, step by step, with a way back that needs nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.acceptance import accept
from stacks.patterns.hosting import VARIANT, Endpoint, ModelArtifact, PrivateModel
from stacks.patterns.watching import POLICY_UNSEEN
from stacks.secure.bucket import Bucket
from stacks.secure.key import Key
from stacks.secure.names import att, logical_id, placed, ref, stack_of, sub
from stacks.secure.network import Network
from stacks.secure.topic import AlarmTopic

VERSION = "ModelVersion"
SHIFT = "TrafficShift"
_LINEAR = "ShiftsLinearly"
# A template parameter is enough to ship: the stack is updated with the template it has.
_VERSIONS = "Versions"


class ShippedModel(PrivateModel):
    """A private model whose version is a parameter of the stack: updating the stack with another value ships it.

    Args:
        versions: name of a version (letters and digits) to its artefact; the first one is deployed first.
        network: where the containers stand.
        key: encrypts what the role writes and the storage of the instances.
    """

    def __init__(
        self, scope: Construct, id: str, *, versions: Mapping[str, ModelArtifact], network: Network, key: Key
    ) -> None:
        artifacts = list(versions.values())
        super().__init__(scope, id, artifacts=artifacts, network=network, key=key)
        names = list(versions)
        cdk.CfnParameter(
            scope,
            VERSION,
            default=names[0],
            allowed_values=names,
            description="version of the model that the endpoint serves; another value ships that version",
        )
        cdk.CfnMapping(scope, _VERSIONS, mapping={name: {"Key": one.key} for name, one in versions.items()})
        chosen = {"Fn::FindInMap": [_VERSIONS, {"Ref": VERSION}, "Key"]}
        bucket = artifacts[0].bucket_arn.rpartition(":::")[2]
        self.add_property_override(
            "PrimaryContainer.ModelDataUrl", {"Fn::Sub": [f"s3://{bucket}/${{File}}", {"File": chosen}]}
        )


class GuardedEndpoint(Endpoint):
    """An endpoint whose updates shift traffic step by step, and go back by themselves when an alarm says so.

    The parameter ``TrafficShift`` chooses CANARY (one instance, then all) or LINEAR (one instance after the other). A
    deployment configuration acts on updates only; the first deployment shows nothing of it.

    Its alarms exist before the endpoint. Those on errors and latency look at the fleet of the newest configuration
    alone, so that an old fleet in trouble does not keep its remedy from being deployed. They have names, because the
    role of the model, with which SageMaker looks at them, is ready before they are.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html

    Args:
        model: what it serves.
        instance_type: such as ``ml.m5.large``.
        instances: 2 to 10: a canary may be at most half of them, a linear step at least a tenth.
        capture: bucket for requests and answers.
        key: encrypts instance storage and captured data.
        topic: who is told of an alarm.
        latency_ms: model latency that 99 of 100 requests must stay under.
        error_percent: server errors of 100 requests that are too many.
        bake: seconds that each step is watched.
        keep: seconds that the old fleet is kept, still watching, when all traffic has shifted.

    Raises:
        ValueError: fewer than 2 or more than 10 instances.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        model: PrivateModel,
        instance_type: str,
        instances: int,
        capture: Bucket,
        key: Key,
        topic: AlarmTopic,
        latency_ms: int = 500,
        error_percent: float = 2,
        bake: int = 300,
        keep: int = 120,
    ) -> None:
        if not 2 <= instances <= 10:
            raise ValueError(f"{id}: instances: got {instances}; allowed: 2 to 10, so that one of them is a step")
        super().__init__(
            scope, id, model=model, instance_type=instance_type, instances=instances, capture=capture, key=key
        )
        self._told = [ref(topic)]
        self._alarms: list[cloudwatch.CfnAlarm] = []
        self._names: list[str] = []
        # As text, not as a reference: the endpoint needs the alarms, not the other way round.
        self.fixed_name = stack_of(self).name.lower()
        fleet = {
            "EndpointName": self.fixed_name,
            "VariantName": VARIANT,
            "EndpointConfigName": att(self.configuration, "EndpointConfigName"),
        }
        self.watch(
            "Errors", "AWS/SageMaker", "Invocation5XXErrors", dimensions=fleet, above=error_percent / 100,
            text=f"More than {error_percent:g} of 100 requests to the new fleet fail: the version cannot serve.",
        )  # fmt: skip
        self.watch(
            "Latency", "AWS/SageMaker", "ModelLatency", dimensions=fleet, above=latency_ms * 1000, statistic="p99",
            text=f"One request in a hundred to the new fleet waits longer than {latency_ms} ms for the model.",
        )  # fmt: skip
        cdk.CfnParameter(
            scope,
            SHIFT,
            default="CANARY",
            allowed_values=["CANARY", "LINEAR"],
            description="how an update shifts traffic: one instance and then all, or one instance after the other",
        )
        cdk.CfnCondition(
            scope, _LINEAR, expression=cdk.Fn.condition_equals(cdk.Token.as_string({"Ref": SHIFT}), "LINEAR")
        )
        stack_of(self).order(self, after=lambda: self._alarms)
        stack_of(self).at_the_end(lambda: self._guard(bake, keep))

    def watch(
        self,
        id: str,
        namespace: str,
        metric: str,
        *,
        dimensions: Mapping[str, str],
        above: float,
        text: str,
        statistic: str = "Average",
    ) -> cloudwatch.CfnAlarm:
        """Roll an update back when a metric is above a number in two of three minutes.

        Args:
            id: construct id, and the end of the alarm's name.
            text: what it means and what to do.
        """
        name = f"{stack_of(self).name}-{id}"
        alarm = cloudwatch.CfnAlarm(
            self,
            id,
            alarm_name=name,
            alarm_description=text,
            namespace=namespace,
            metric_name=metric,
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=key, value=value) for key, value in dimensions.items()
            ],
            period=60,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            threshold=above,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=self._told,
            ok_actions=self._told,
            **({"extended_statistic": statistic} if statistic.startswith("p") else {"statistic": statistic}),  # type: ignore[arg-type]
        )
        placed(alarm, self, id)
        if stack_of(self).settings.key_arn:
            accept(alarm, "alarm-actions-deliverable", "deploy-target-key-lets-sender", because=POLICY_UNSEEN)
        self._alarms.append(alarm)
        self._names.append(name)
        # "Ensure that your IAM execution role has permission to perform the cloudwatch:DescribeAlarms action."
        self.model.role_.allow(
            "cloudwatch:DescribeAlarms",
            on=sub(f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:{name}"),
        )
        return alarm

    @property
    def alarm_names(self) -> str:
        """The names of the alarms, separated by commas."""
        return ",".join(self._names)

    def _guard(self, bake: int, keep: int) -> None:
        one = {"Type": "INSTANCE_COUNT", "Value": 1}
        canary: dict[str, Any] = {"Type": "CANARY", "CanarySize": one, "WaitIntervalInSeconds": bake}
        linear: dict[str, Any] = {"Type": "LINEAR", "LinearStepSize": one, "WaitIntervalInSeconds": bake}
        self.add_property_override(
            "DeploymentConfig",
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {"Fn::If": [_LINEAR, linear, canary]},
                    "TerminationWaitInSeconds": keep,
                    "MaximumExecutionTimeoutInSeconds": 3600 + 10 * bake,
                },
                "AutoRollbackConfiguration": {
                    "Alarms": [{"AlarmName": {"Ref": logical_id(one)}} for one in self._alarms]
                },
            },
        )
