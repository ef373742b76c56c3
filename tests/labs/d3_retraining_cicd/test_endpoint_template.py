"""The template that the pipeline deploys: as clean as the lab's own, in both environments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag
import pytest
from aws_cdk import cloudformation_include

from labkit.synth import PACKS
from stacks.rules import Template, evaluate


def arn(service: str, resource: str) -> dict[str, str]:
    """An ARN as a parameter of the lab's own stack would give it."""
    region = "" if service == "iam" else "${AWS::Region}"
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:{region}:${{AWS::AccountId}}:{resource}"}


COMMON = {
    "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
    "ModelData": "s3://models/runs/one/model.tar.gz",
    "ModelPackage": arn("sagemaker", "model-package/lab/1"),
    "ExecutionRoleArn": arn("iam", "role/host"),
    "SubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "SecurityGroupId": "sg-0123456789abcdef0",
    "KeyArn": arn("kms", "key/11111111-2222-3333-4444-555555555555"),
    "VolumeKeyArn": arn("kms", "key/11111111-2222-3333-4444-555555555555"),
    "AlarmTopicArn": arn("sns", "alerts"),
    "InstanceType": "ml.m5.large",
}
PLACES = {
    "staging": {"InstanceCount": 1, "CanarySeconds": 0},
    "production": {"InstanceCount": 3, "CanarySeconds": 300},
}
# One instance serves the tests of a release and no caller.
EXPECTED = {"staging": {("endpoint-instances-redundant", "Configuration")}, "production": set()}


@pytest.fixture
def source(lab_folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((lab_folder / "src" / "release" / "endpoint.template.json").read_text())
    return found


def deployed(source: dict[str, Any], place: str) -> dict[str, Any]:
    """The template as CloudFormation sees it with the parameters of an environment."""
    given = {
        **COMMON, **PLACES[place], "Environment": place, "EndpointName": f"lab-{place}",
        "CaptureUri": f"s3://models/captured/{place}",
    }  # fmt: skip
    assert given.keys() == source["Parameters"].keys()
    conditions = {"Canary": given["CanarySeconds"] != 0, "VolumeKey": given["VolumeKeyArn"] != ""}

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Ref"} and value["Ref"] in given:
            return given[value["Ref"]]
        if value.keys() == {"Fn::If"}:
            condition, yes, no = value["Fn::If"]
            return resolved(yes if conditions[condition] else no)
        if value.keys() == {"Fn::Sub"}:
            return str(value["Fn::Sub"]).replace("${EndpointName}", str(given["EndpointName"]))
        return {key: resolved(entry) for key, entry in value.items()}

    return {"Resources": resolved(source["Resources"])}


def in_stack(template: dict[str, Any], folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The template with the tags of its stack, and what the six packs find in it."""
    file = folder / "template.json"
    file.write_text(json.dumps(template))
    app = cdk.App(outdir=str(folder / "out"), analytics_reporting=False)
    stack = cdk.Stack(app, "Endpoint", analytics_reporting=False)
    cloudformation_include.CfnInclude(stack, "Source", template_file=str(file))
    cdk.Tags.of(stack).add("lab", "d3-retraining-cicd")
    cdk.Validations.of(app).add_plugins(*[getattr(cdk_nag, name)(app) for name in PACKS])
    try:
        app.synth()
    except RuntimeError as error:
        # Findings: they are in the report.
        if "alidation failed" not in str(error) and "ValidationFailed" not in str(error):
            raise
    report = folder / "out" / "validation-report.json"
    plugins = json.loads(report.read_text())["pluginReports"] if report.exists() else []
    packs = [plugin for plugin in plugins if plugin["pluginName"] != "CloudFormation Validate"]
    found = [violation["ruleName"] for plugin in packs for violation in plugin.get("violations", [])]
    return json.loads((folder / "out" / "Endpoint.template.json").read_text()), found


@pytest.mark.parametrize("place", PLACES)
def test_packs_and_own_rules_find_nothing_unexpected(source: dict[str, Any], tmp_path: Path, place: str) -> None:
    template, found = in_stack(deployed(source, place), tmp_path)
    assert found == []
    looked = list(evaluate(Template(template)))
    assert {outcome.rule.id for outcome in looked} >= {
        "model-network-isolated", "model-in-vpc", "endpoint-volume-encrypted", "endpoint-capture-encrypted",
        "alarm-actions-deliverable",
    }  # fmt: skip
    problems = {
        (outcome.rule.id, outcome.resource.logical_id)
        for outcome in looked
        if outcome.error or any(not problem.undecided for problem in outcome.problems)
    }
    assert problems == EXPECTED[place]


def test_a_fault_in_the_template_is_found(source: dict[str, Any], tmp_path: Path) -> None:
    template = deployed(source, "production")
    del template["Resources"]["Configuration"]["Properties"]["KmsKeyId"]
    template["Resources"]["Model"]["Properties"]["EnableNetworkIsolation"] = False
    made, found = in_stack(template, tmp_path)
    assert any("SageMakerEndpointConfigurationKMSKeyConfigured" in name for name in found)
    broken = {outcome.rule.id for outcome in evaluate(Template(made)) if outcome.problems}
    assert {"model-network-isolated", "endpoint-volume-encrypted"} <= broken


def test_it_can_hold_no_permission(source: dict[str, Any]) -> None:
    assert {resource["Type"] for resource in source["Resources"].values()} == {
        "AWS::SageMaker::Model",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Endpoint",
        "AWS::CloudWatch::Alarm",
    }


def test_names_let_cloudformation_replace_what_it_must(source: dict[str, Any]) -> None:
    named = [r for r in source["Resources"].values() if {"ModelName", "EndpointConfigName"} & r["Properties"].keys()]
    assert [resource["Type"] for resource in named] == ["AWS::SageMaker::Endpoint"]  # it refers to its configuration
    (variant,) = source["Resources"]["Configuration"]["Properties"]["ProductionVariants"]
    assert variant["VariantName"] == "main"


def test_every_parameter_comes_from_the_environment_or_the_package(
    source: dict[str, Any], template: dict[str, Any]
) -> None:
    (build,) = [
        r for r in template["Resources"].values()
        if r["Type"] == "AWS::CodeBuild::Project" and "register" in r["Properties"]["Source"]["BuildSpec"]
    ]  # fmt: skip
    (variable,) = [v for v in build["Properties"]["Environment"]["EnvironmentVariables"] if v["Name"] == "ENVIRONMENTS"]
    joined = variable["Value"]["Fn::Join"][1]
    environments = json.loads("".join(part if isinstance(part, str) else "x" for part in joined))
    assert [environment["Environment"] for environment in environments] == ["staging", "production"]
    for environment in environments:
        assert environment.keys() | {"Image", "ModelData", "ModelPackage"} == source["Parameters"].keys()


def test_cfn_lint_has_nothing_to_say(lab_folder: Path) -> None:
    from cfnlint import api

    text = (lab_folder / "src" / "release" / "endpoint.template.json").read_text()
    assert [str(match) for match in api.lint(text, regions=["us-east-1"])] == []
