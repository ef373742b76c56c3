"""The definition of the training pipeline: what SageMaker accepts, and what no job may lack."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from stacks.patterns.retraining import filled

OPERATIONS = {
    "Processing": "CreateProcessingJob",
    "Training": "CreateTrainingJob",
    "RegisterModel": "CreateModelPackage",
}
VARIABLES = {"Get", "Std:Join", "Std:JsonGet"}
KNOWN = {
    "jobs-role": "arn:aws:iam::123456789012:role/jobs",
    "key": "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    "xgboost-image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
    "model-package-group": "lab",
    "region": "us-east-1",
    "security-group": "sg-0123456789abcdef0",
    "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
}


@pytest.fixture
def definition(lab_folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((lab_folder / "src" / "definition" / "pipeline.json").read_text())
    return found


def steps(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for step in definition["Steps"]:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from step["Arguments"].get(branch, []) if step["Type"] == "Condition" else []


def typed(shape: Any, value: Any, path: str, wrong: list[str]) -> Any:
    """A request with pipeline variables replaced by values of their type; notes what the service model forbids."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in VARIABLES:
        stand_in = {"structure": {}, "list": [], "map": {}, "integer": 1, "long": 1, "boolean": True, "float": 1.0}
        return stand_in.get(shape.type_name, "s3://bucket/key")
    if shape.type_name == "structure" and isinstance(value, dict):
        wrong += [f"{path}: unknown member {name}" for name in set(value) - set(shape.members)]
        kept = {name: entry for name, entry in value.items() if name in shape.members}
        return {name: typed(shape.members[name], entry, f"{path}.{name}", wrong) for name, entry in kept.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [typed(shape.member, entry, f"{path}[{i}]", wrong) for i, entry in enumerate(value)]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: typed(shape.value, entry, f"{path}.{name}", wrong) for name, entry in value.items()}
    if shape.type_name == "string" and isinstance(value, str):
        if getattr(shape, "enum", None) and value not in shape.enum:
            wrong.append(f"{path}: {value!r} is none of {shape.enum}")
        pattern = shape.metadata.get("pattern")
        if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value):
            wrong.append(f"{path}: {value!r} does not match {pattern}")
    return value


def errors(definition: dict[str, Any]) -> list[str]:
    model = botocore.session.get_session().get_service_model("sagemaker")
    found: list[str] = []
    for step in steps(definition):
        if step["Type"] not in OPERATIONS:
            continue
        shape = model.operation_model(OPERATIONS[step["Type"]]).input_shape
        arguments = typed(shape, step["Arguments"], step["Name"], found)
        for name in ("ProcessingJobName", "TrainingJobName"):
            if name in shape.required_members:  # SageMaker names the jobs of a pipeline
                arguments.setdefault(name, "named-by-the-pipeline")
        report = ParamValidator().validate(arguments, shape)
        found += [f"{step['Name']}: {report.generate_report()}"] if report.has_errors() else []
    return found


def unsafe(definition: dict[str, Any]) -> list[str]:
    """What a job lacks: network, isolation, keys, encrypted traffic between containers."""
    lacking = []
    for step in steps(definition):
        if step["Type"] not in ("Processing", "Training"):
            continue
        job = step["Arguments"]
        network = job.get("NetworkConfig", {}) if step["Type"] == "Processing" else job
        if step["Type"] == "Processing":
            machine, output = job["ProcessingResources"]["ClusterConfig"], job["ProcessingOutputConfig"]
        else:
            machine, output = job["ResourceConfig"], job["OutputDataConfig"]
        needed = {
            "VpcConfig.Subnets": network.get("VpcConfig", {}).get("Subnets") == ["{{subnets}}"],
            "VpcConfig.SecurityGroupIds": network.get("VpcConfig", {}).get("SecurityGroupIds")
            == ["{{security-group}}"],
            "EnableNetworkIsolation": network.get("EnableNetworkIsolation") is True,
            "EnableInterContainerTrafficEncryption": network.get("EnableInterContainerTrafficEncryption") is True,
            "VolumeKmsKeyId": machine.get("VolumeKmsKeyId") == "{{key}}",
            "KmsKeyId": output.get("KmsKeyId") == "{{key}}",
            "RoleArn": job.get("RoleArn") == "{{jobs-role}}",
        }
        lacking += [f"{step['Name']}: {name}" for name, there in needed.items() if not there]
    return lacking


def test_sagemaker_accepts_every_step(definition: dict[str, Any]) -> None:
    assert errors(filled(definition, KNOWN)) == []


def test_every_job_has_vpc_isolation_keys_and_encrypted_traffic(definition: dict[str, Any]) -> None:
    assert {step["Name"] for step in steps(definition)} == {
        "Prepare", "Train", "Evaluate", "IsBetter", "Register", "Refuse",
    }  # fmt: skip
    assert unsafe(definition) == []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda d: d["Steps"][1]["Arguments"].pop("VpcConfig"), "Train: VpcConfig.Subnets"),
        (
            lambda d: d["Steps"][0]["Arguments"]["NetworkConfig"].pop("EnableNetworkIsolation"),
            "Prepare: EnableNetworkIsolation",
        ),
        (lambda d: d["Steps"][2]["Arguments"]["ProcessingOutputConfig"].pop("KmsKeyId"), "Evaluate: KmsKeyId"),
    ],
)
def test_a_job_that_lacks_a_safeguard_is_noticed(definition: dict[str, Any], spoil: Any, told: str) -> None:
    spoiled = copy.deepcopy(definition)
    spoil(spoiled)
    assert told in unsafe(spoiled)


def test_a_request_that_sagemaker_refuses_is_noticed(definition: dict[str, Any]) -> None:
    spoiled = filled(definition, KNOWN)
    spoiled["Steps"][1]["Arguments"]["AlgorithmSpecification"]["TrainingInputMode"] = "Fast"
    spoiled["Steps"][0]["Arguments"]["Speed"] = 1
    found = errors(spoiled)
    assert any("'Fast' is none of" in line for line in found)
    assert "Prepare: unknown member Speed" in found


def test_the_deployed_definition_has_no_placeholder_left(template: dict[str, Any]) -> None:
    (pipeline,) = [r for r in template["Resources"].values() if r["Type"] == "AWS::SageMaker::Pipeline"]
    body = json.dumps(pipeline["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"])
    assert "{{" not in body
    assert "JobRole" in body


def test_an_unknown_placeholder_is_an_error(definition: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown placeholder \{\{key\}\}"):
        filled(definition, {name: value for name, value in KNOWN.items() if name != "key"})


def test_registered_models_wait_for_approval(definition: dict[str, Any]) -> None:
    (register,) = [step for step in steps(definition) if step["Type"] == "RegisterModel"]
    assert register["Arguments"]["ModelApprovalStatus"] == "PendingManualApproval"


def test_the_definition_names_no_account_region_or_partition(lab_folder: Path) -> None:
    text = (lab_folder / "src" / "definition" / "pipeline.json").read_text()
    assert re.findall(r"arn:|\d{12}|us-east-1", text) == []
