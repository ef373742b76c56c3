"""An update under guardrails shifts real requests step by step, and an alarm takes them back."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
ROLE = "arn:aws:iam::123456789012:role/execution"
CODE = """
def model_fn(folder):
    return None

def transform_fn(model, body, kind, accept):
    {}
"""
WAIT, LAST = 120, 60


class Fleet:
    """An endpoint of four instances that answers with its version, and an alarm on each configuration's errors."""

    def __init__(self, emulator: Any, name: str) -> None:
        self.emulator, self.name, self.sagemaker = emulator, name, emulator.client("sagemaker")
        for version, line in {
            "one": "return '1', 'text/csv'",
            "two": "return '2', 'text/csv'",
            "bad": "raise ValueError('a column is missing')",
        }.items():
            self.model(version, CODE.format(line))
            self.configure(version, {"all": 4})
            self.alarm(version)
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-one")
        self.until("InService")

    def model(self, version: str, code: str) -> None:
        """A model of this code."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            member = tarfile.TarInfo("code/inference.py")
            member.size = len(code)
            tar.addfile(member, io.BytesIO(code.encode()))
        s3 = self.emulator.client("s3")
        s3.create_bucket(Bucket="rollouts")
        s3.put_object(Bucket="rollouts", Key=f"{self.name}/{version}.tar.gz", Body=out.getvalue())
        self.sagemaker.create_model(
            ModelName=f"{self.name}-{version}",
            ExecutionRoleArn=ROLE,
            PrimaryContainer={
                "Image": IMAGE,
                "ModelDataUrl": f"s3://rollouts/{self.name}/{version}.tar.gz",
                "Environment": {
                    "SAGEMAKER_PROGRAM": "inference.py",
                    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                },
            },
        )

    def configure(self, version: str, variants: dict[str, int], name: str = "") -> None:
        """An endpoint configuration: variant to instances."""
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=f"{self.name}-{name or version}",
            ProductionVariants=[
                {
                    "VariantName": variant,
                    "ModelName": f"{self.name}-{version}",
                    "InitialInstanceCount": count,
                    "InstanceType": "ml.m5.large",
                }
                for variant, count in variants.items()
            ],
        )

    def alarm(self, version: str) -> None:
        """An alarm on the server errors of one fleet alone."""
        self.emulator.client("cloudwatch").put_metric_alarm(
            AlarmName=f"{self.name}-{version}",
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Dimensions=[
                {"Name": "EndpointName", "Value": self.name},
                {"Name": "VariantName", "Value": "all"},
                {"Name": "EndpointConfigName", "Value": f"{self.name}-{version}"},
            ],
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0.05,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )

    def update(self, version: str, **policy: Any) -> None:
        """Update with a DeploymentConfig."""
        self.sagemaker.update_endpoint(
            EndpointName=self.name, EndpointConfigName=f"{self.name}-{version}", DeploymentConfig=policy
        )

    def describe(self) -> dict[str, Any]:
        """DescribeEndpoint."""
        return dict(self.sagemaker.describe_endpoint(EndpointName=self.name))

    def until(self, status: str, *, seconds: int = 3600) -> dict[str, Any]:
        """Let time pass until the endpoint has a status."""
        return dict(
            self.emulator.wait(
                lambda: found if (found := self.describe())["EndpointStatus"] == status else None, seconds=seconds
            )
        )

    def stage(self) -> tuple[str, int, str]:
        """Status, active instances and message of the deployment under way."""
        (variant,) = self.describe()["PendingDeploymentSummary"]["ProductionVariants"]
        (status,) = variant["VariantStatus"]
        return status["Status"], variant["CurrentInstanceCount"], status["StatusMessage"]

    def baking(self) -> tuple[str, int, str]:
        """The stage once it bakes."""
        return self.emulator.wait(lambda: found if (found := self.stage())[0] == "Baking" else None)

    def ask(self, times: int = 1) -> Counter[str]:
        """Answers, counted; an error counts by its status."""
        runtime, counted = self.emulator.client("sagemaker-runtime"), Counter[str]()
        for _ in range(times):
            try:
                answer = runtime.invoke_endpoint(EndpointName=self.name, Body=b"1", ContentType="text/csv")
                counted[answer["Body"].read().decode()] += 1
            except ClientError as error:
                counted[str(error.response["OriginalStatusCode"])] += 1
        return counted


def blue_green(kind: str, *, wait: int = WAIT, **size: Any) -> dict[str, Any]:
    """A blue/green policy."""
    return {
        "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait, **size},
        "TerminationWaitInSeconds": LAST,
    }


def instances(count: int) -> dict[str, Any]:
    return {"Type": "INSTANCE_COUNT", "Value": count}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def alarms(*names: str) -> dict[str, Any]:
    return {"Alarms": [{"AlarmName": name} for name in names]}


@pytest.fixture
def fleet(emulator: Any, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """An endpoint of version one, of its own for each test."""
    made = Fleet(emulator, f"rollout-{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}")
    yield made
    emulator.wait(lambda: made.describe()["EndpointStatus"] == "InService")
    made.sagemaker.delete_endpoint(EndpointName=made.name)
    emulator.client("cloudwatch").delete_alarms(
        AlarmNames=[f"{made.name}-{version}" for version in ("one", "two", "bad")]
    )


def test_a_canary_serves_its_share_then_all_traffic_shifts(fleet: Fleet) -> None:
    # WHEN a good version comes by canary, one of four instances
    fleet.update("two", BlueGreenUpdatePolicy=blue_green("CANARY", CanarySize=percent(25)))
    # THEN a quarter of the real requests is answered by it while it bakes
    assert fleet.baking() == (
        "Baking", 1, f"Baking for {WAIT} seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 "
        "instance(s).",
    )  # fmt: skip
    answers = fleet.ask(200)
    assert answers.keys() == {"1", "2"}
    assert 46 <= answers["2"] <= 54
    during = fleet.describe()
    assert (during["EndpointStatus"], during["EndpointConfigName"]) == ("Updating", f"{fleet.name}-one")
    # AND then all of them, with the old fleet kept until the termination wait is over
    fleet.emulator.advance(WAIT)
    assert fleet.stage()[1:] == (4, f"Baking for {LAST} seconds (TerminationWaitInSeconds) with traffic enabled on full "
                                 "capacity of 4 instance(s).")  # fmt: skip
    assert fleet.ask(40) == {"2": 40}
    after = fleet.until("InService")
    assert after["EndpointConfigName"] == f"{fleet.name}-two"
    assert "PendingDeploymentSummary" not in after
    assert after["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "CANARY"


def test_linear_shifting_takes_equal_steps(fleet: Fleet) -> None:
    # WHEN a version comes in steps of one instance of four
    fleet.update("two", BlueGreenUpdatePolicy=blue_green("LINEAR", LinearStepSize=instances(1)))
    # THEN each step bakes, and its share of requests grows with it
    shares = []
    for step in (1, 2, 3, 4):
        assert fleet.baking()[1] == step
        shares.append(fleet.ask(120)["2"] / 120)
        fleet.emulator.advance(WAIT)
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0], abs=0.03)
    assert fleet.until("InService")["EndpointConfigName"] == f"{fleet.name}-two"


def test_a_rolling_update_takes_the_old_instances_away(fleet: Fleet) -> None:
    # WHEN half of the instances are replaced at a time
    policy = {"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": WAIT}
    fleet.update("two", RollingUpdatePolicy=policy)
    # THEN only half of the old fleet is left while the first batch bakes
    assert fleet.baking()[1] == 2
    assert fleet.describe()["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert fleet.until("InService")["EndpointConfigName"] == f"{fleet.name}-two"
    assert fleet.ask(5) == {"2": 5}


def test_an_alarm_during_baking_brings_all_traffic_back(fleet: Fleet) -> None:
    # GIVEN a version whose code raises, and an alarm on the new fleet's errors
    fleet.update(
        "bad",
        BlueGreenUpdatePolicy=blue_green("CANARY", CanarySize=instances(1), wait=600),
        AutoRollbackConfiguration=alarms(f"{fleet.name}-bad"),
    )
    fleet.baking()
    answers = fleet.ask(60)
    assert answers.keys() == {"1", "500"}
    # WHEN the alarm goes off
    rolling = fleet.until("RollingBack", seconds=300)
    # THEN the old version serves at once, alone, and stays
    assert rolling["PendingDeploymentSummary"]["ProductionVariants"][0]["CurrentInstanceCount"] == 0
    assert fleet.ask(40) == {"1": 40}
    after = fleet.until("InService")
    assert after["EndpointConfigName"] == f"{fleet.name}-one"
    assert f"CloudWatch alarm {fleet.name}-bad in state ALARM" in after["FailureReason"]
    # AND the next update goes through
    fleet.update("two", BlueGreenUpdatePolicy=blue_green("ALL_AT_ONCE", wait=0))
    assert "FailureReason" not in fleet.until("InService")
    assert fleet.ask(5) == {"2": 5}


def test_an_alarm_that_the_deployment_does_not_name_decides_nothing(fleet: Fleet) -> None:
    # WHEN the bad version comes with an alarm that watches the old fleet
    fleet.update(
        "bad",
        BlueGreenUpdatePolicy=blue_green("CANARY", CanarySize=instances(1)),
        AutoRollbackConfiguration=alarms(f"{fleet.name}-one"),
    )
    fleet.baking()
    fleet.ask(60)
    # THEN it arrives, although its own alarm is in ALARM
    assert fleet.until("InService")["EndpointConfigName"] == f"{fleet.name}-bad"
    assert fleet.ask(5) == {"500": 5}


def test_the_alarm_of_a_tick_comes_before_its_shift(fleet: Fleet) -> None:
    # GIVEN a bad canary that bakes one minute, and errors in that minute
    fleet.update(
        "bad",
        BlueGreenUpdatePolicy=blue_green("CANARY", CanarySize=instances(1), wait=60),
        AutoRollbackConfiguration=alarms(f"{fleet.name}-bad"),
    )
    fleet.baking()
    fleet.ask(60)
    # WHEN the tick comes in which the baking ends and the alarm is evaluated
    fleet.emulator.advance(60)
    # THEN nothing more was shifted
    assert fleet.describe()["EndpointStatus"] == "RollingBack"
    assert fleet.ask(20) == {"1": 20}


def test_a_deployment_that_takes_too_long_is_rolled_back(fleet: Fleet) -> None:
    policy = blue_green("LINEAR", LinearStepSize=percent(50), wait=210)
    fleet.update("two", BlueGreenUpdatePolicy={**policy, "MaximumExecutionTimeoutInSeconds": 600})
    # WHEN ticks come each minute, so that each step bakes half a minute longer than it asked for
    fleet.emulator.advance(600)
    # THEN the limit holds
    after = fleet.until("InService")
    assert after["EndpointConfigName"] == f"{fleet.name}-one"
    assert "longer than 600 seconds" in after["FailureReason"]


def test_both_fleets_are_measured_together_and_apart(fleet: Fleet) -> None:
    fleet.update("two", BlueGreenUpdatePolicy=blue_green("CANARY", CanarySize=percent(50)))
    fleet.baking()
    fleet.emulator.advance(60)
    now = fleet.emulator.now()
    answers = fleet.ask(40)

    def counted(**more: str) -> float:
        dimensions = {"EndpointName": fleet.name, "VariantName": "all", **more}
        found = fleet.emulator.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=now.replace(second=0, microsecond=0),
            EndTime=fleet.emulator.now().replace(microsecond=0),
            Period=3600,
            Statistics=["Sum"],
        )
        return sum(point["Sum"] for point in found["Datapoints"])

    fleet.emulator.advance(60)
    assert counted() == 40
    assert counted(EndpointConfigName=f"{fleet.name}-one") == answers["1"]
    assert counted(EndpointConfigName=f"{fleet.name}-two") == answers["2"]


REFUSED = {
    "canary-too-large": (
        {"BlueGreenUpdatePolicy": blue_green("CANARY", CanarySize=instances(3))},
        "75% of the 4 .* at most 50%",
    ),
    "linear-too-small": (
        {"BlueGreenUpdatePolicy": blue_green("LINEAR", LinearStepSize=percent(9))}, "between 10% and 50%",
    ),
    "rolling-too-large": (
        {"RollingUpdatePolicy": {"MaximumBatchSize": percent(51), "WaitIntervalInSeconds": 0}}, "between 5% and 50%",
    ),
    "no-size": ({"BlueGreenUpdatePolicy": blue_green("CANARY")}, "CanarySize is required"),
    "size-of-another-type": (
        {"BlueGreenUpdatePolicy": blue_green("ALL_AT_ONCE", CanarySize=instances(1))}, "CanarySize cannot be specified",
    ),
    "wait-too-long": (
        {"BlueGreenUpdatePolicy": blue_green("CANARY", wait=3601, CanarySize=instances(1))},
        "waitIntervalInSeconds.*less than or equal to 3600",
    ),
    "limit-too-short": (
        {"BlueGreenUpdatePolicy": {
            **blue_green("LINEAR", wait=300, LinearStepSize=percent(25)), "MaximumExecutionTimeoutInSeconds": 1260,
        }},
        "must be larger than the total waiting time of the deployment .1260",
    ),
    "two-policies": (
        {"BlueGreenUpdatePolicy": blue_green("ALL_AT_ONCE"),
         "RollingUpdatePolicy": {"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 0}},
        "Only one of",
    ),
    "no-such-alarm": (
        {"BlueGreenUpdatePolicy": blue_green("ALL_AT_ONCE"), "AutoRollbackConfiguration": alarms("nobody")},
        "Could not find CloudWatch alarm.*nobody",
    ),
    "too-many-alarms": (
        {"BlueGreenUpdatePolicy": blue_green("ALL_AT_ONCE"), "AutoRollbackConfiguration": alarms(*"abcdefghijk")},
        "length less than or equal to 10",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def resting(emulator: Any) -> Iterator[Fleet]:
    """An endpoint that no test changes."""
    yield Fleet(emulator, "resting")
    emulator.clear()


@pytest.mark.parametrize("policy", REFUSED)
def test_a_policy_outside_the_limits_is_refused_and_changes_nothing(resting: Fleet, policy: str) -> None:
    given, reason = REFUSED[policy]
    with pytest.raises(ClientError, match=reason):
        resting.update("two", **given)
    assert resting.describe()["EndpointStatus"] == "InService"
    assert "LastDeploymentConfig" not in resting.describe()


def test_variants_must_keep_their_names(resting: Fleet) -> None:
    resting.configure("two", {"other": 4}, name="renamed")
    with pytest.raises(ClientError, match=r"\(other\) must have the same names .* \(all\)"):
        resting.update("renamed", BlueGreenUpdatePolicy=blue_green("ALL_AT_ONCE"))


def test_state_changes_are_told_on_the_bus(fleet: Fleet) -> None:
    # GIVEN a queue that hears of deployments
    sqs, events = fleet.emulator.client("sqs"), fleet.emulator.client("events")
    url = sqs.create_queue(QueueName=fleet.name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.sagemaker"], "detail": {"EndpointName": [fleet.name]}}
    events.put_rule(Name=fleet.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=fleet.name, Targets=[{"Id": "queue", "Arn": arn}])
    # WHEN a canary goes through
    fleet.update("two", BlueGreenUpdatePolicy=blue_green("CANARY", CanarySize=instances(2)))
    fleet.until("InService")
    # THEN its beginning, its stages and its end are told as documented
    told = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            told.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    states = [e["detail"]["EndpointStatus"] for e in told if e["detail-type"] == "SageMaker Endpoint State Change"]
    assert states == ["UPDATING", "IN_SERVICE"]
    stages = [
        e["detail"]["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0]["Status"]
        for e in told
        if e["detail-type"] == "SageMaker Endpoint Deployment State Change"
    ]
    assert {"ActivatingTraffic", "Baking", "Deleting"} <= set(stages)


class Stack:
    """A stack whose parameter chooses the version, with models and an alarm that exist outside of it."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.name = fleet, f"{fleet.name}-stack"
        self.endpoint = Fleet.__new__(Fleet)
        self.endpoint.emulator, self.endpoint.name, self.endpoint.sagemaker = (
            fleet.emulator,
            self.name,
            fleet.sagemaker,
        )
        self.client = fleet.emulator.client("cloudformation")
        fleet.emulator.client("cloudwatch").put_metric_alarm(
            AlarmName=self.name,
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Dimensions=[{"Name": "EndpointName", "Value": self.name}, {"Name": "VariantName", "Value": "all"}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
        variant = {
            "VariantName": "all",
            "ModelName": {"Fn::Sub": f"{fleet.name}-${{Version}}"},
            "InitialInstanceCount": 4,
            "InstanceType": "ml.m5.large",
            "InitialVariantWeight": 1,
        }
        guardrails = {
            "BlueGreenUpdatePolicy": blue_green("CANARY", CanarySize=instances(1)),
            "AutoRollbackConfiguration": alarms(self.name),
        }
        template = {
            "Parameters": {"Version": {"Type": "String"}},
            "Resources": {
                "Configuration": {
                    "Type": "AWS::SageMaker::EndpointConfig",
                    "Properties": {"ProductionVariants": [variant]},
                },
                "Endpoint": {
                    "Type": "AWS::SageMaker::Endpoint",
                    "Properties": {
                        "EndpointName": self.name,
                        "EndpointConfigName": {"Fn::GetAtt": ["Configuration", "EndpointConfigName"]},
                        "DeploymentConfig": guardrails,
                    },
                },
            },
        }
        self.client.create_stack(StackName=self.name, TemplateBody=json.dumps(template), Parameters=self.version("one"))
        self.until_done()

    def version(self, name: str) -> list[dict[str, str]]:
        return [{"ParameterKey": "Version", "ParameterValue": name}]

    def ship(self, name: str) -> None:
        """Update the stack with the template that it has."""
        self.client.update_stack(StackName=self.name, UsePreviousTemplate=True, Parameters=self.version(name))
        self.fleet.emulator.wait(lambda: self.endpoint.describe().get("PendingDeploymentSummary"))
        self.endpoint.baking()

    @property
    def status(self) -> str:
        return str(self.client.describe_stacks(StackName=self.id)["Stacks"][0]["StackStatus"])

    @property
    def id(self) -> str:
        """The id also finds a deleted stack."""
        if not hasattr(self, "_id"):
            self._id: str = self.client.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"]
        return self._id

    def until_done(self) -> str:
        """The status once nothing is under way; time passes meanwhile."""
        return self.fleet.emulator.wait(lambda: "" if (found := self.status).endswith("IN_PROGRESS") else found)


def test_a_stack_update_waits_for_the_rollout_and_fails_with_it(fleet: Fleet) -> None:
    # GIVEN a stack whose template holds a deployment configuration, which its creation did not use
    stack = Stack(fleet)
    assert stack.status == "CREATE_COMPLETE"
    first = stack.endpoint.describe()["EndpointConfigName"]
    # WHEN a bad version is shipped by a parameter, with requests while it bakes
    stack.ship("bad")
    assert stack.status == "UPDATE_IN_PROGRESS"
    assert "500" in stack.endpoint.ask(40)
    # THEN the endpoint goes back by itself, the update fails with its reason, and the stack is rolled back
    assert stack.until_done() == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.endpoint.describe()["EndpointConfigName"] == first
    assert stack.endpoint.ask(10) == {"1": 10}
    events = stack.client.describe_stack_events(StackName=stack.name)["StackEvents"]
    (failed,) = [event for event in events if event["ResourceStatus"] == "UPDATE_FAILED"]
    assert failed["LogicalResourceId"] == "Endpoint"
    assert f"CloudWatch alarm {stack.name} in state ALARM" in failed["ResourceStatusReason"]
    kept = fleet.sagemaker.list_endpoint_configs(NameContains=stack.name)["EndpointConfigs"]
    assert [one["EndpointConfigName"] for one in kept] == [first]
    # AND the stack can be updated again, with the good version
    fleet.emulator.advance(120)
    stack.ship("two")
    assert stack.until_done() == "UPDATE_COMPLETE"
    assert stack.endpoint.ask(10) == {"2": 10}
    assert stack.endpoint.describe()["EndpointConfigName"] != first
    stack.client.delete_stack(StackName=stack.name)
    assert stack.until_done() == "DELETE_COMPLETE"


def test_a_stack_is_deleted_after_the_rollout_that_is_under_way(fleet: Fleet) -> None:
    # GIVEN a rollout for which nobody lets time pass
    stack = Stack(fleet)
    stack.ship("two")
    _ = stack.id
    # WHEN the stack is deleted
    stack.client.delete_stack(StackName=stack.name)
    # THEN the rollout ends first, and nothing stays
    assert stack.until_done() == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="Could not find endpoint"):
        stack.endpoint.describe()


def test_a_schedule_deletes_a_stack_after_the_rollout_that_is_under_way(fleet: Fleet) -> None:
    # GIVEN a rollout that is under way when the hours of its stack are over
    stack = Stack(fleet)
    _ = stack.id
    stack.ship("two")
    fleet.emulator.client("scheduler").create_schedule(
        Name=f"end-of-{stack.name}",
        ScheduleExpression=f"at({fleet.emulator.now() + timedelta(seconds=45):%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:cloudformation:deleteStack",
            "RoleArn": "arn:aws:iam::123456789012:role/scheduler",
            "Input": json.dumps({"StackName": stack.name}),
        },
    )
    # WHEN time passes
    fleet.emulator.advance(60)
    assert stack.status == "UPDATE_IN_PROGRESS"
    # THEN the rollout ends first, and nothing stays
    assert fleet.emulator.wait(lambda: stack.status == "DELETE_COMPLETE")
    with pytest.raises(ClientError, match="Could not find endpoint"):
        stack.endpoint.describe()
