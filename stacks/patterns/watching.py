"""Alarms and the dashboard of an endpoint."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.acceptance import accept
from stacks.patterns.hosting import VARIANT, Endpoint
from stacks.secure.names import placed, ref, stack_of
from stacks.secure.topic import AlarmTopic

_SERVICE = "AWS/SageMaker"
_INSTANCES = "/aws/sagemaker/Endpoints"


POLICY_UNSEEN = (
    "the topic is encrypted with a key that the user gave; its policy is not in the template and must let "
    "cloudwatch.amazonaws.com use the key, as the description of the setting key_arn says"
)


class EndpointAlarms(Construct):
    """Alarms on errors, latency and missing capacity of an endpoint, published to an encrypted topic.

    Args:
        endpoint: what is watched.
        topic: who is told.
        latency_ms: model latency that 99 of 100 requests must stay under.
    """

    def __init__(self, scope: Construct, id: str, *, endpoint: Endpoint, topic: AlarmTopic, latency_ms: int) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        name, told = endpoint.name_, [ref(topic)]

        def alarm(id: str, metric: str, *, above: float, statistic: str, text: str) -> None:
            made = cloudwatch.CfnAlarm(
                self,
                id,
                alarm_description=text,
                namespace=_SERVICE,
                metric_name=metric,
                dimensions=_dimensions(name),
                period=60,
                evaluation_periods=3,
                datapoints_to_alarm=2,
                threshold=above,
                comparison_operator="GreaterThanThreshold",
                treat_missing_data="notBreaching",
                alarm_actions=told,
                ok_actions=told,
                **({"extended_statistic": statistic} if statistic.startswith("p") else {"statistic": statistic}),  # type: ignore[arg-type]
            )

            self._believe_in_given_key(made, id)

        alarm("ServerErrors", "Invocation5XXErrors", above=0, statistic="Sum",
              text="The model or its container fails: read the endpoint's log group.")  # fmt: skip
        alarm("ClientErrors", "Invocation4XXErrors", above=10, statistic="Sum",
              text="Callers send requests that the model cannot read.")  # fmt: skip
        alarm("Latency", "ModelLatency", above=latency_ms * 1000, statistic="p99",
              text=f"One request in a hundred waits longer than {latency_ms} ms for the model.")  # fmt: skip
        # Requests come, and no instance answers any: there is no capacity.
        capacity = cloudwatch.CfnAlarm(
            self,
            "NoCapacity",
            alarm_description="Requests come but no instance reports any CPU: the endpoint has no capacity.",
            metrics=[
                _query("requests", _SERVICE, "Invocations", "Sum", name),
                _query("busy", _INSTANCES, "CPUUtilization", "SampleCount", name),
                cloudwatch.CfnAlarm.MetricDataQueryProperty(
                    id="unserved",
                    expression="IF(FILL(requests, 0) > 0, IF(FILL(busy, 0) > 0, 0, 1), 0)",
                    label="requests without an instance",
                    return_data=True,
                ),
            ],
            evaluation_periods=3,
            datapoints_to_alarm=3,
            threshold=0,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=told,
            ok_actions=told,
        )
        self._believe_in_given_key(capacity, "NoCapacity")

    def _believe_in_given_key(self, alarm: cloudwatch.CfnAlarm, id: str) -> None:
        placed(alarm, self, id)
        if stack_of(self).settings.key_arn:
            accept(alarm, "alarm-actions-deliverable", "deploy-target-key-lets-sender", because=POLICY_UNSEEN)


class EndpointDashboard(cloudwatch.CfnDashboard):
    """One page: traffic, latency, errors, CPU and memory of an endpoint."""

    def __init__(self, scope: Construct, id: str, *, endpoint: Endpoint) -> None:
        name = endpoint.name_
        region = stack_of(scope).settings.region

        def graph(
            title: str, position: tuple[int, int], namespace: str, *metrics: tuple[str, str]
        ) -> dict[str, object]:
            return {
                "type": "metric",
                "x": position[0],
                "y": position[1],
                "width": 12,
                "height": 6,
                "properties": {
                    "title": title,
                    "region": region,
                    "period": 60,
                    "metrics": [
                        [namespace, metric, "EndpointName", name, "VariantName", VARIANT, {"stat": statistic}]
                        for metric, statistic in metrics
                    ],
                },
            }

        widgets = [
            graph("Invocations", (0, 0), _SERVICE, ("Invocations", "Sum"), ("InvocationsPerInstance", "Sum")),
            graph("Latency (microseconds)", (12, 0), _SERVICE, ("ModelLatency", "p50"), ("ModelLatency", "p99"),
                  ("OverheadLatency", "p99")),
            graph("Errors", (0, 6), _SERVICE, ("Invocation4XXErrors", "Sum"), ("Invocation5XXErrors", "Sum")),
            graph("Instances", (12, 6), _INSTANCES, ("CPUUtilization", "Average"), ("MemoryUtilization", "Average"),
                  ("DiskUtilization", "Average")),
        ]  # fmt: skip
        super().__init__(scope, id, dashboard_body=stack_of(scope).to_json_string({"widgets": widgets}))
        placed(self, scope, id)


def _dimensions(endpoint_name: str) -> list[cloudwatch.CfnAlarm.DimensionProperty]:
    return [
        cloudwatch.CfnAlarm.DimensionProperty(name="EndpointName", value=endpoint_name),
        cloudwatch.CfnAlarm.DimensionProperty(name="VariantName", value=VARIANT),
    ]


def _query(
    id: str, namespace: str, metric: str, statistic: str, endpoint_name: str
) -> cloudwatch.CfnAlarm.MetricDataQueryProperty:
    return cloudwatch.CfnAlarm.MetricDataQueryProperty(
        id=id,
        return_data=False,
        metric_stat=cloudwatch.CfnAlarm.MetricStatProperty(
            metric=cloudwatch.CfnAlarm.MetricProperty(
                namespace=namespace, metric_name=metric, dimensions=_dimensions(endpoint_name)
            ),
            period=60,
            stat=statistic,
        ),
    )
