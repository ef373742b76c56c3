"""Variants scale by the documented rules on emulated time."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from labkit.rehearsal.runtime import scaling_policy

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
ECHO = b"""
def model_fn(folder):
    return None

def transform_fn(model, body, kind, accept):
    return body, "text/csv"
"""


class Lab:
    """Endpoints that answer at once, and their scaling."""

    def __init__(self, emulator: Any) -> None:
        self.emulator, self.sagemaker = emulator, emulator.client("sagemaker")
        self.scaling = emulator.client("application-autoscaling")
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            member = tarfile.TarInfo("code/inference.py")
            member.size = len(ECHO)
            tar.addfile(member, io.BytesIO(ECHO))
        emulator.client("s3").create_bucket(Bucket="echo-models")
        emulator.client("s3").put_object(Bucket="echo-models", Key="model.tar.gz", Body=out.getvalue())
        self.sagemaker.create_model(
            ModelName="echo",
            ExecutionRoleArn="arn:aws:iam::123456789012:role/execution",
            PrimaryContainer={
                "Image": "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2",
                "ModelDataUrl": "s3://echo-models/model.tar.gz",
                "Environment": {
                    "SAGEMAKER_PROGRAM": "inference.py",
                    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                },
            },
        )

    def endpoint(self, name: str, *, kind: str = "ml.m5.large", count: int = 1) -> None:
        """An endpoint in service."""
        variant = {"VariantName": "all", "ModelName": "echo", "InitialInstanceCount": count, "InstanceType": kind}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self.emulator.wait(lambda: self.describe(name)["EndpointStatus"] == "InService")

    def describe(self, name: str) -> Any:
        """DescribeEndpoint."""
        return self.sagemaker.describe_endpoint(EndpointName=name)

    def count(self, name: str) -> int:
        """The desired instance count."""
        return int(self.describe(name)["ProductionVariants"][0]["DesiredInstanceCount"])

    def target(self, name: str, low: int = 1, high: int = 4) -> dict[str, str]:
        """Register the variant; returns what names it."""
        self.scaling.register_scalable_target(**self.name(name), MinCapacity=low, MaxCapacity=high)
        return self.name(name)

    def name(self, endpoint: str, variant: str = "all") -> dict[str, str]:
        """What names a scalable target."""
        resource = f"endpoint/{endpoint}/variant/{variant}"
        return {"ServiceNamespace": "sagemaker", "ResourceId": resource, "ScalableDimension": DIMENSION}

    def track(self, name: str, policy: str = "invocations", **config: Any) -> dict[str, Any]:
        """A target tracking policy; default: 4 invocations per instance and minute."""
        defaults = {
            "TargetValue": 4.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            "ScaleOutCooldown": 120,
            "ScaleInCooldown": 600,
        }
        if "CustomizedMetricSpecification" in config:
            del defaults["PredefinedMetricSpecification"]
        return self.scaling.put_scaling_policy(
            **self.name(name),
            PolicyName=policy,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={**defaults, **config},
        )

    def load(self, name: str, *, per_minute: int, minutes: int) -> None:
        """Send real requests, minute by emulated minute."""
        runtime = self.emulator.client("sagemaker-runtime")
        for _ in range(minutes):
            for _ in range(per_minute):
                runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body="1")
            self.emulator.advance(60)

    def activities(self, name: str) -> list[dict[str, Any]]:
        """Scaling activities, oldest first."""
        return self.scaling.describe_scaling_activities(**self.name(name))["ScalingActivities"][::-1]


@pytest.fixture(scope="module")
def lab(emulator: Any) -> Iterator[Lab]:
    """The lab."""
    yield Lab(emulator)
    emulator.clear()


def test_a_policy_makes_the_two_alarms_that_aws_makes(lab: Lab) -> None:
    # WHEN a policy is put
    lab.endpoint("alarmed")
    lab.target("alarmed")
    answer = lab.track("alarmed")
    # THEN a high and a low alarm watch the metric of the variant
    names = [alarm["AlarmName"] for alarm in answer["Alarms"]]
    alarms = lab.emulator.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    high, low = sorted(alarms, key=lambda alarm: alarm["AlarmName"])
    assert high["AlarmName"].startswith("TargetTracking-endpoint/alarmed/variant/all-AlarmHigh-")
    assert (high["Threshold"], high["EvaluationPeriods"], high["Period"], high["Statistic"]) == (4.0, 3, 60, "Sum")
    assert (low["Threshold"], low["EvaluationPeriods"]) == (3.6, 15)
    assert (high["ComparisonOperator"], low["ComparisonOperator"]) == ("GreaterThanThreshold", "LessThanThreshold")
    described = lab.scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert sorted(alarm["AlarmName"] for policy in described for alarm in policy["Alarms"]) == sorted(names)
    # AND both go with the target
    lab.scaling.deregister_scalable_target(**lab.name("alarmed"))
    assert lab.emulator.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"] == []
    lab.sagemaker.delete_endpoint(EndpointName="alarmed")


def test_load_scales_out_after_three_minutes_and_idleness_in_after_fifteen(lab: Lab) -> None:
    # GIVEN one instance with a target of 4 invocations a minute
    lab.endpoint("busy")
    lab.target("busy")
    lab.track("busy")
    # WHEN 10 come each minute
    lab.emulator.early()
    lab.load("busy", per_minute=10, minutes=2)
    assert lab.count("busy") == 1
    lab.load("busy", per_minute=10, minutes=1)
    # THEN three instances are wanted after the third, the endpoint is updating, and then has them
    assert lab.count("busy") == 3
    assert lab.describe("busy")["EndpointStatus"] == "Updating"
    lab.emulator.advance(60)
    assert lab.describe("busy")["EndpointStatus"] == "InService"
    assert lab.describe("busy")["ProductionVariants"][0]["CurrentInstanceCount"] == 3
    activity = lab.activities("busy")[-1]
    assert activity["StatusCode"] == "Successful"
    assert activity["Description"] == "Setting desired instance count to 3."
    assert activity["Cause"].startswith("monitor alarm TargetTracking-endpoint/busy/variant/all-AlarmHigh-")
    assert activity["Cause"].endswith("in state ALARM triggered policy invocations")
    # AND when nothing comes for a quarter of an hour, one is left
    lab.emulator.advance(60 * 12)
    assert lab.count("busy") == 3
    lab.emulator.advance(60 * 6)
    assert lab.count("busy") == 1
    assert "-AlarmLow-" in lab.activities("busy")[-1]["Cause"]
    lab.sagemaker.delete_endpoint(EndpointName="busy")


def test_the_maximum_caps_and_a_disabled_scale_in_keeps(lab: Lab) -> None:
    # GIVEN at most two instances and no scale-in
    lab.endpoint("capped")
    lab.target("capped", high=2)
    answer = lab.track("capped", DisableScaleIn=True)
    assert len(answer["Alarms"]) == 1
    # WHEN load asks for more
    lab.emulator.early()
    lab.load("capped", per_minute=13, minutes=3)
    # THEN there are two, also after an idle hour
    assert lab.count("capped") == 2
    lab.emulator.advance(3600)
    assert lab.count("capped") == 2
    lab.sagemaker.delete_endpoint(EndpointName="capped")


def test_of_several_policies_the_largest_wins_and_all_must_agree_to_less(lab: Lab) -> None:
    # GIVEN two policies on custom metrics of which one asks for more
    lab.endpoint("several")
    lab.target("several", high=10)
    for name, target in (("light", 10.0), ("heavy", 50.0)):
        spec = {"Namespace": "Lab", "MetricName": name, "Statistic": "Average"}
        lab.track("several", name, TargetValue=target, CustomizedMetricSpecification=spec, ScaleInCooldown=0)
    cloudwatch = lab.emulator.client("cloudwatch")

    def minutes(count: int, light: float, heavy: float) -> None:
        for _ in range(count):
            data = [{"MetricName": "light", "Value": light}, {"MetricName": "heavy", "Value": heavy}]
            cloudwatch.put_metric_data(Namespace="Lab", MetricData=data)
            lab.emulator.advance(60)

    # WHEN both are high
    minutes(3, light=20.0, heavy=200.0)
    # THEN the larger capacity is taken
    assert lab.count("several") == 4
    # AND while one of them holds on, nothing is removed
    minutes(18, light=1.0, heavy=48.0)
    assert lab.count("several") == 4
    minutes(18, light=1.0, heavy=1.0)
    assert lab.count("several") == 1
    lab.sagemaker.delete_endpoint(EndpointName="several")


def test_while_it_cools_down_only_a_greater_need_adds_instances(lab: Lab) -> None:
    # GIVEN a policy with three minutes between scale-outs
    lab.endpoint("cooling")
    lab.target("cooling", high=10)
    spec = {"Namespace": "Lab", "MetricName": "pressure", "Statistic": "Average"}
    lab.track("cooling", TargetValue=10.0, CustomizedMetricSpecification=spec, ScaleOutCooldown=180)
    cloudwatch = lab.emulator.client("cloudwatch")

    def minutes(count: int, pressure: float) -> int:
        for _ in range(count):
            cloudwatch.put_metric_data(Namespace="Lab", MetricData=[{"MetricName": "pressure", "Value": pressure}])
            lab.emulator.advance(60)
        return lab.count("cooling")

    # WHEN the need stays at twice the target, then rises to three times
    assert minutes(3, 20.0) == 2
    # THEN it is counted from the capacity before, and only the rise adds
    assert minutes(1, 20.0) == 2
    assert minutes(1, 30.0) == 3
    assert minutes(2, 30.0) == 3
    # AND once it has cooled down, a need that has not gone is a need of the larger fleet
    assert minutes(2, 30.0) == 9
    lab.sagemaker.delete_endpoint(EndpointName="cooling")


def test_schedules_change_the_bounds_and_the_capacity_on_the_emulated_clock(lab: Lab) -> None:
    # GIVEN a schedule in an hour and one each day of New York, six hours from now
    lab.endpoint("scheduled", count=2)
    name = lab.target("scheduled", low=1, high=4)
    soon = lab.emulator.now() + timedelta(hours=1)
    evening = (lab.emulator.now() + timedelta(hours=6)).astimezone(ZoneInfo("America/New_York"))
    lab.scaling.put_scheduled_action(
        **name,
        ScheduledActionName="up",
        Schedule=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        ScalableTargetAction={"MinCapacity": 3, "MaxCapacity": 6},
    )
    lab.scaling.put_scheduled_action(
        **name,
        ScheduledActionName="down",
        Schedule=f"cron({evening.minute} {evening.hour} * * ? *)",
        Timezone="America/New_York",
        ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 1},
    )
    # WHEN the hour passes
    lab.emulator.advance(3500)
    assert lab.count("scheduled") == 2
    lab.emulator.advance(300)
    # THEN there are three, and the day's end brings it to one
    assert lab.count("scheduled") == 3
    assert lab.activities("scheduled")[-1]["Cause"] == "scheduled action name up was triggered"
    lab.emulator.advance(24 * 3600)
    assert lab.count("scheduled") == 1
    assert lab.activities("scheduled")[-1]["Cause"] == "scheduled action name down was triggered"
    lab.sagemaker.delete_endpoint(EndpointName="scheduled")


def test_a_step_policy_takes_the_step_that_its_alarm_calls_for(lab: Lab) -> None:
    # GIVEN a step policy called by an alarm above 10
    lab.endpoint("stepped")
    name = lab.target("stepped", high=8)
    steps = [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 20.0, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 20.0, "ScalingAdjustment": 4},
    ]
    policy = lab.scaling.put_scaling_policy(
        **name,
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps, "Cooldown": 60},
    )
    cloudwatch = lab.emulator.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="deep-queue",
        Namespace="Lab",
        MetricName="queue",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=10,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[policy["PolicyARN"]],
    )
    # WHEN the metric is 35 above nothing, that is 25 above the threshold
    cloudwatch.put_metric_data(Namespace="Lab", MetricData=[{"MetricName": "queue", "Value": 35}])
    lab.emulator.advance(60)
    # THEN the second step was taken
    assert lab.count("stepped") == 5
    lab.sagemaker.delete_endpoint(EndpointName="stepped")


def test_what_cannot_scale_is_refused(lab: Lab) -> None:
    lab.endpoint("burst", kind="ml.t2.medium")
    for name, reason in (
        (lab.name("burst"), "burstable"),
        (lab.name("burst", "other"), "variant other"),
        (lab.name("nowhere"), "Could not find endpoint"),
    ):
        with pytest.raises(ClientError, match=reason) as caught:
            lab.scaling.register_scalable_target(**name, MinCapacity=1, MaxCapacity=2)
        assert caught.value.response["Error"]["Code"] == "ValidationException"
    lab.sagemaker.delete_endpoint(EndpointName="burst")


@pytest.mark.parametrize(
    ("current", "percent", "least", "expected"),
    [(10, 15, 0, 11), (1, 50, 0, 2), (3, -40, 0, 2), (1, -50, 0, 0), (10, 5, 3, 13)],
)
def test_a_percentage_is_rounded_as_documented(current: int, percent: int, least: int, expected: int) -> None:
    config = {
        "AdjustmentType": "PercentChangeInCapacity",
        "MinAdjustmentMagnitude": least,
        "StepAdjustments": [{"ScalingAdjustment": percent}],
    }
    assert scaling_policy.stepped(current, 1.0, config) == expected
