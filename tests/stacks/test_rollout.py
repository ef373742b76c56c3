"""An endpoint whose updates are guarded: alarms first, one instance at a time, any version by a parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.assembly import Assembly
from labkit.catalogue import ROOT, pick
from labkit.errors import UserError


@pytest.fixture
def template(synthesize: Callable[..., Assembly]) -> dict[str, Any]:
    (lab,) = pick(["d3_canary_rollout"], ROOT)
    return dict(synthesize(lab).template)


def only(template: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = [one for one in template["Resources"].values() if one["Type"] == kind]
    return dict(found)


def alarms(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {name: one for name, one in template["Resources"].items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    return {name: one["Properties"] for name, one in found.items()}


def test_every_alarm_exists_before_the_endpoint_and_can_end_its_update(template: dict[str, Any]) -> None:
    endpoint = only(template, "AWS::SageMaker::Endpoint")
    named = endpoint["Properties"]["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert {one["AlarmName"]["Ref"] for one in named} == set(alarms(template))
    assert set(alarms(template)) <= set(endpoint["DependsOn"])
    assert len(named) == 3


def test_sagemaker_may_look_at_every_alarm_with_the_models_role(template: dict[str, Any]) -> None:
    policies = [one for one in template["Resources"].values() if one["Type"] == "AWS::IAM::ManagedPolicy"]
    looked_at = [
        resource["Fn::Sub"].rpartition(":")[2]
        for policy in policies
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] == ["cloudwatch:DescribeAlarms"]
        for resource in ([statement["Resource"]] if isinstance(statement["Resource"], dict) else statement["Resource"])
    ]
    assert sorted(looked_at) == sorted(one["AlarmName"] for one in alarms(template).values())


def test_errors_and_latency_are_watched_on_the_newest_configuration(template: dict[str, Any]) -> None:
    dimensions = {
        one["MetricName"]: {each["Name"]: each["Value"] for each in one["Dimensions"]}
        for one in alarms(template).values()
    }
    newest = {"Fn::GetAtt": ["EndpointConfiguration", "EndpointConfigName"]}
    assert dimensions["Invocation5XXErrors"]["EndpointConfigName"] == newest
    assert dimensions["ModelLatency"]["EndpointConfigName"] == newest
    assert "EndpointConfigName" not in dimensions["BrierScore"]


def test_one_instance_is_a_step_in_either_way_of_shifting(template: dict[str, Any]) -> None:
    policy = only(template, "AWS::SageMaker::Endpoint")["Properties"]["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    condition, linear, canary = policy["TrafficRoutingConfiguration"]["Fn::If"]
    one = {"Type": "INSTANCE_COUNT", "Value": 1}
    assert template["Conditions"][condition] == {"Fn::Equals": [{"Ref": "TrafficShift"}, "LINEAR"]}
    assert (linear["Type"], linear["LinearStepSize"]) == ("LINEAR", one)
    assert (canary["Type"], canary["CanarySize"]) == ("CANARY", one)
    longest = 10 * linear["WaitIntervalInSeconds"] + policy["TerminationWaitInSeconds"]
    assert policy["MaximumExecutionTimeoutInSeconds"] > longest


def test_the_parameter_chooses_the_artefact(template: dict[str, Any]) -> None:
    url = only(template, "AWS::SageMaker::Model")["Properties"]["PrimaryContainer"]["ModelDataUrl"]
    assert url["Fn::Sub"][1] == {"File": {"Fn::FindInMap": ["Versions", {"Ref": "ModelVersion"}, "Key"]}}
    assert template["Parameters"]["ModelVersion"]["AllowedValues"] == list(template["Mappings"]["Versions"])
    assert template["Parameters"]["ModelVersion"]["Default"] == "v1"


@pytest.mark.parametrize("count", [1, 11])
def test_a_fleet_of_which_one_instance_is_no_step_is_refused(synthesize: Callable[..., Assembly], count: int) -> None:
    (lab,) = pick(["d3_canary_rollout"], ROOT)
    with pytest.raises(UserError, match="rollout_instances"):
        synthesize(lab, place="refused", rollout_instances=count)
