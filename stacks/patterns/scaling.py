"""Automatic scaling of a real-time endpoint."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as scaling
from constructs import Construct

from stacks.patterns.hosting import VARIANT, Endpoint
from stacks.secure.names import placed, ref, stack_of

_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


class Scaling(scaling.CfnScalableTarget):
    """The range within which an endpoint's instance count follows its load and the clock.

    Each ``on_*`` verb adds a target-tracking policy; when several ask, the largest count wins, and instances go only
    when all agree. Application Auto Scaling uses its service-linked role.

    Args:
        endpoint: what scales; its instance type must not be burstable.
        least: instances at any time.
        most: instances at the highest load.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
    """

    def __init__(self, scope: Construct, id: str, *, endpoint: Endpoint, least: int, most: int) -> None:
        super().__init__(
            scope,
            id,
            service_namespace="sagemaker",
            scalable_dimension=_DIMENSION,
            resource_id=f"endpoint/{endpoint.name_}/variant/{VARIANT}",
            min_capacity=least,
            max_capacity=most,
        )
        placed(self, scope, id)
        self._endpoint = endpoint
        self._schedules: list[cdk.IResolvable | scaling.CfnScalableTarget.ScheduledActionProperty] = []
        stack_of(self).at_the_end(self._schedule)

    def on_invocations(self, *, per_instance: int) -> None:
        """Keep invocations per instance and minute near a number."""
        self._policy(
            "Invocations",
            target=per_instance,
            predefined_metric_specification=scaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                predefined_metric_type="SageMakerVariantInvocationsPerInstance"
            ),
        )

    def on_latency(self, *, milliseconds: int) -> None:
        """Keep the model's average latency near a number of milliseconds. Scales out only.

        Low latency is no sign of too many instances, so this policy never takes one away.
        """
        self._policy(
            "Latency",
            target=milliseconds * 1000,
            scale_in=False,
            customized_metric_specification=self._metric("AWS/SageMaker", "ModelLatency", "Microseconds"),
        )

    def on_cpu(self, *, percent: int) -> None:
        """Keep the instances' average CPU near a percentage, where 100 is one full core."""
        self._policy(
            "Cpu",
            target=percent,
            customized_metric_specification=self._metric("/aws/sagemaker/Endpoints", "CPUUtilization", "Percent"),
        )

    def at(self, name: str, *, cron: str, least: int, most: int) -> None:
        """Set the range at a time of day.

        Args:
            name: of the scheduled action.
            cron: such as ``0 20 * * ? *``, in UTC.
            least: instances from then on.
            most: instances from then on.
        """
        self._schedules.append(
            scaling.CfnScalableTarget.ScheduledActionProperty(
                scheduled_action_name=name,
                schedule=f"cron({cron})",
                timezone="UTC",
                scalable_target_action=scaling.CfnScalableTarget.ScalableTargetActionProperty(
                    min_capacity=least, max_capacity=most
                ),
            )
        )

    def _schedule(self) -> None:
        if self._schedules:
            self.scheduled_actions = self._schedules

    def _metric(
        self, namespace: str, name: str, unit: str
    ) -> scaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty:
        dimension = scaling.CfnScalingPolicy.MetricDimensionProperty
        return scaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty(
            namespace=namespace,
            metric_name=name,
            statistic="Average",
            unit=unit,
            dimensions=[
                dimension(name="EndpointName", value=self._endpoint.name_),
                dimension(name="VariantName", value=VARIANT),
            ],
        )

    def _policy(
        self,
        name: str,
        *,
        target: float,
        scale_in: bool = True,
        predefined_metric_specification: scaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty | None = None,
        customized_metric_specification: scaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty | None = None,
    ) -> None:
        scaling.CfnScalingPolicy(
            self,
            name,
            policy_name=name,
            policy_type="TargetTrackingScaling",
            scaling_target_id=ref(self),
            target_tracking_scaling_policy_configuration=scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=target,
                predefined_metric_specification=predefined_metric_specification,
                customized_metric_specification=customized_metric_specification,
                disable_scale_in=not scale_in,
                scale_out_cooldown=60,
                scale_in_cooldown=300,
            ),
        )
