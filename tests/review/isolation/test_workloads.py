"""Workloads are found where they stand: as resources, in definitions of jobs, and beside the network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.review.conftest import Make
from tests.review.isolation.parts import (
    Resources,
    att,
    changed,
    endpoint,
    function,
    may,
    model,
    network,
    one,
    pack,
    proved,
    ref,
    role,
    sub,
    whole,
    wrong,
)

PATHS, PLACED, INTERNET = "isolated-api-paths", "isolated-workload-placed", "isolated-no-internet"
LOGGED = {
    "Logs": endpoint("logs", ["logs:CreateLogStream", "logs:PutLogEvents"]),
    "Metrics": endpoint("monitoring", "cloudwatch:PutMetricData"),
}


def training(**more: Any) -> dict[str, Any]:
    """A training job as a definition has it, placed in the network."""
    place = {"Subnets": ["${Subnet}"], "SecurityGroupIds": ["${Work.GroupId}"]}
    return {
        "AlgorithmSpecification": {"TrainingImage": "i"},
        "InputDataConfig": [{"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://${Data}/in/"}}}],
        "OutputDataConfig": {"S3OutputPath": "s3://${Data}/out/"},
        "RoleArn": "${Role.Arn}",
        "VpcConfig": place,
    } | more


def processing(**more: Any) -> dict[str, Any]:
    return {"AppSpecification": {"ImageUri": "i"}, "ProcessingResources": {}, "RoleArn": "${Role.Arn}"} | more


def pipeline(job: dict[str, Any]) -> dict[str, Any]:
    body = {"Steps": [{"Name": "Fit", "Type": "Training", "Arguments": job}]}
    return one("AWS::SageMaker::Pipeline", PipelineDefinition={"PipelineDefinitionBody": sub(json.dumps(body))})


def machine(job: dict[str, Any]) -> dict[str, Any]:
    states = {
        "Fit": {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync", "Parameters": job}
    }
    return one(
        "AWS::StepFunctions::StateMachine", DefinitionString=sub(json.dumps({"StartAt": "Fit", "States": states}))
    )


def plan(job: dict[str, Any]) -> dict[str, Any]:
    return one("AWS::Scheduler::Schedule", Target={"Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:createTrainingJob",
                                                   "Input": sub(json.dumps(job))})  # fmt: skip


def variable(job: dict[str, Any]) -> dict[str, Any]:
    return function("import json", Environment={"Variables": {"JOB": sub(json.dumps(job))}})


def base() -> Resources:
    resources = network() | LOGGED | {"Role": role(service="sagemaker")}
    del resources["Runtime"]
    return resources


HOLDERS = {"pipeline": pipeline, "state machine": machine, "schedule": plan, "variable": variable}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_job_in_a_definition_is_a_workload(holder: str, make: Make) -> None:
    placed = make(base() | {"Holder": HOLDERS[holder](training())})
    assert wrong(placed) == []
    assert any("(training job) is in 1 subnets" in row.evidence for row in proved(placed))
    job = training()
    del job["VpcConfig"]
    found = wrong(make(base() | {"Holder": HOLDERS[holder](job)}, lab="d9_unplaced"), PLACED)
    assert [("training job) has no subnets" in text) for _, _, text in found] == [True]


def test_a_job_without_a_way_to_its_data_is_named(make: Make) -> None:
    resources = {name: body for name, body in base().items() if name != "S3"}
    found = wrong(make(resources | {"Holder": pipeline(training())}), PATHS)
    assert any(
        place == "Holder" and "SageMaker for Fit (training) of Holder, and Vpc has no endpoint for s3" in text
        for _, place, text in found
    )


def test_a_bucket_of_a_job_that_the_endpoint_leaves_out_is_named(make: Make) -> None:
    job = training(OutputDataConfig={"S3OutputPath": "s3://elsewhere/out/"})
    (found,) = wrong(make(base() | {"Holder": pipeline(job)}), PATHS)
    assert "does not allow s3:PutObject on arn:aws:s3:::elsewhere/out/*" in found[2]


def test_a_processing_job_has_its_network_one_level_down(make: Make) -> None:
    place = {"VpcConfig": {"Subnets": ["${Subnet}"], "SecurityGroupIds": ["${Work.GroupId}"]}}
    assert wrong(make(base() | {"Holder": pipeline(processing(NetworkConfig=place))}), PLACED) == []
    found = wrong(make(base() | {"Holder": pipeline(processing())}, lab="d9_unplaced"), PLACED)
    assert [place for _, place, _ in found] == ["Holder"]


@pytest.mark.parametrize("missing", ["Logs", "Metrics"])
def test_what_aws_says_in_two_ways_is_unknown(missing: str, make: Make) -> None:
    resources = base() | {"Model": model()}
    assert wrong(make(resources), PATHS) == []
    del resources[missing]
    rows = [row for row in proved(make(resources, lab="d9_less")) if row.rule == PATHS and row.status != "pass"]
    assert [(row.status, row.level, row.logical_id) for row in rows] == [("unknown", "warning", "Model")]
    assert f"no endpoint for {'logs' if missing == 'Logs' else 'monitoring'}" in rows[0].evidence


def test_code_that_calls_aws_in_a_container_without_network_is_named(make: Make) -> None:
    packed = changed(
        model(EnableNetworkIsolation=True), "Properties.PrimaryContainer.ModelDataUrl", "s3://assets/m.tar.gz"
    )
    for name, source in (
        ("d9_calls", "import boto3\nboto3.client('s3').get_object(Bucket='b', Key='k')\n"),
        ("d9_quiet", "import json\n"),
    ):
        assembly = make(
            base() | {"Model": packed, "S3": changed(base()["S3"], "Properties.PolicyDocument", None)}, lab=name
        )
        pack(assembly, "m.tar.gz", {"code/inference.py": source})
        said = [text for _, _, text in wrong(assembly, PATHS)]
        assert ["any network (network isolation)" in text and "code/inference.py:2" in text for text in said] == (
            [True] if name == "d9_calls" else []
        )


def test_a_captured_request_needs_a_way_to_its_bucket(make: Make) -> None:
    capture = {"DestinationS3Uri": sub("s3://${Captures}/c"), "EnableCapture": True}
    more = {
        "Model": model(),
        "Captures": one("AWS::S3::Bucket"),
        "Configuration": one(
            "AWS::SageMaker::EndpointConfig",
            ProductionVariants=[{"ModelName": att("Model", "ModelName")}],
            DataCaptureConfig=capture,
        ),
    }
    (found,) = wrong(make(base() | more), PATHS)
    assert "SageMaker for Model: capture, and the policy of S3 does not allow s3:PutObject" in found[2]


def test_a_workload_beside_the_network_is_named_with_what_it_calls(make: Make) -> None:
    beside = changed(function(), "Properties.VpcConfig", None)
    (found,) = wrong(make(whole() | {"Beside": beside}), PLACED)
    assert found[1] == "Beside"
    assert "its code calls s3, sagemaker-runtime" in found[2]


def test_it_is_a_warning_where_there_is_no_network(make: Make) -> None:
    resources = {"Role": role(), "Beside": changed(function(), "Properties.VpcConfig", None)}
    (row,) = [row for row in proved(make(resources)) if row.rule == PLACED]
    assert (row.status, row.level) == ("open", "warning")


def test_a_serverless_model_takes_no_network(make: Make) -> None:
    variant = {"ModelName": att("Model", "ModelName"), "ServerlessConfig": {"MemorySizeInMB": 1024}}
    resources = network() | {
        "Role": role(service="sagemaker"),
        "Model": changed(model(), "Properties.VpcConfig", None),
        "Configuration": one("AWS::SageMaker::EndpointConfig", ProductionVariants=[variant]),
    }
    (row,) = [row for row in proved(make(resources)) if row.rule == PLACED]
    assert (row.status, "takes no VPC" in row.evidence) == ("not applicable", True)


@pytest.mark.parametrize(("more", "status"), [("", "unknown"), ('\nJOB = {"VpcConfig": {}}\n', "pass")])
def test_a_job_that_code_starts_must_have_a_network_somewhere(more: str, status: str, make: Make) -> None:
    code = f'import boto3\nboto3.client("sagemaker").create_training_job(TrainingJobName="a"){more}'
    resources = whole(code) | {"Api": endpoint("sagemaker.api", "sagemaker:CreateTrainingJob")}
    (row,) = [row for row in proved(make(resources)) if row.rule == PLACED and "starts jobs" in row.evidence]
    assert (row.logical_id, row.status) == ("Asks", status)


def test_what_runs_with_a_role_that_may_join_the_network_needs_what_the_role_allows(make: Make) -> None:
    job = role(may("ec2:CreateNetworkInterface"), may("s3:GetObject", sub("${More.Arn}/*")), service="sagemaker")
    rows = [
        row
        for row in proved(make(whole() | LOGGED | {"JobRole": job, "More": one("AWS::S3::Bucket")}))
        if row.rule == PATHS and row.logical_id == "JobRole"
    ]
    assert [row.status for row in rows] == ["unknown"]
    assert "does not allow s3:GetObject on arn:aws:s3:::${More}/*" in rows[0].evidence


def build(spec: str, files: dict[str, str], make: Make, lab: str, **more: Any) -> list[tuple[str, str, str]]:
    project = one(
        "AWS::CodeBuild::Project",
        ServiceRole=att("Builder"),
        Environment={"Image": "aws/codebuild/standard:7.0"} | more,
        Source={"Type": "CODEPIPELINE", "BuildSpec": spec},
        VpcConfig={"Subnets": [ref("Subnet")], "SecurityGroupIds": [att("Work", "GroupId")]},
    )
    builder = role(may("s3:GetObject", sub("${Data.Arn}/*")), may("sqs:SendMessage"), service="codebuild")
    assembly = make(network() | LOGGED | {"Builder": builder, "Build": project}, lab=lab)
    pack(assembly, "abc.zip", files)
    return wrong(assembly, PATHS)


def test_a_build_calls_what_the_programs_of_its_buildspec_call(make: Make) -> None:
    spec = "phases:\n  build:\n    commands:\n      - python3 go.py\n"
    quiet = {"b.yml": spec, "go.py": "import json\n", "other.py": "import boto3\nboto3.client('iam').list_roles()\n"}
    assert build("b.yml", quiet, make, "d9_quiet") == []
    calling = quiet | {"go.py": "import other\n"}
    assert "no VPC endpoints for iam" in build("b.yml", calling, make, "d9_calls")[0][2]


def test_a_build_that_runs_other_programs_is_bound_by_its_role(make: Make) -> None:
    spec = "phases:\n  build:\n    commands:\n      - aws sqs send-message\n"
    (found,) = build("b.yml", {"b.yml": spec}, make, "d9_shell")
    assert "may call sqs:SendMessage" in found[2]
    assert "its build runs: - aws sqs send-message" in found[2]


def test_an_image_of_ecr_in_a_build_is_doubtful(make: Make) -> None:
    spec, image = "phases: {}\npython3 go.py", "123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1"
    found = build("b.yml", {"b.yml": spec, "go.py": ""}, make, "d9_image", Image=image)
    assert ["ecr.api and ecr.dkr" in text for _, _, text in found] == [True]


def test_a_task_pulls_its_image_and_writes_its_log_by_the_network(make: Make) -> None:
    container = {
        "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1",
        "LogConfiguration": {"LogDriver": "awslogs"},
        "Secrets": [{"Name": "A", "ValueFrom": "arn:aws:ssm:us-east-1:1:parameter/a"}],
    }
    place = {"Subnets": [ref("Subnet")], "SecurityGroups": [att("Work", "GroupId")]}
    resources = network() | {
        "Task": one("AWS::ECS::TaskDefinition", ContainerDefinitions=[container]),
        "Service": one(
            "AWS::ECS::Service", TaskDefinition=ref("Task"), NetworkConfiguration={"AwsvpcConfiguration": place}
        ),
    }
    said = " ".join(text for _, _, text in wrong(make(resources), PATHS))
    for service in ("ecr.api", "ecr.dkr", "logs", "ssm"):
        assert f"no endpoint for {service}" in said
    assert "prod-us-east-1-starport-layer-bucket" in said
