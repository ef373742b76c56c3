"""What fills a container goes before what empties it, whether a setting, a role or a job of it does so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.conftest import Make
from tests.review.removability.parts import (
    EMPTIED,
    HANDLER,
    OBJECTS,
    ORDER,
    Resources,
    att,
    check,
    hook,
    one,
    passing,
    ref,
    role,
    rows,
    sub,
)


def capturing(depends: list[str] | None) -> Resources:
    capture = {"DestinationS3Uri": sub("s3://${Bucket}/c")}
    named = att("Configuration", "EndpointConfigName")
    return {
        "Configuration": one("AWS::SageMaker::EndpointConfig", DataCaptureConfig=capture),
        "Writer": one("AWS::SageMaker::Endpoint", depends, EndpointConfigName=named),
    }


def hosting(depends: list[str] | None) -> Resources:
    variants = [{"ModelName": att("Model", "ModelName")}]
    return {
        "HostRole": role("s3:PutObject", OBJECTS, service="sagemaker"),
        "Model": one("AWS::SageMaker::Model", ExecutionRoleArn=att("HostRole")),
        "Configuration": one("AWS::SageMaker::EndpointConfig", ProductionVariants=variants),
        "Writer": one(
            "AWS::SageMaker::Endpoint", depends, EndpointConfigName=att("Configuration", "EndpointConfigName")
        ),
    }


def launching(depends: list[str] | None) -> Resources:
    return {
        "JobRole": role("s3:PutObject", OBJECTS, service="sagemaker"),
        "LauncherRole": passing("sagemaker:CreateTrainingJob"),
        "Writer": one("AWS::Lambda::Function", depends, Role=att("LauncherRole")),
    }


def acting(type_: str, property_: str) -> Any:
    def made(depends: list[str] | None) -> Resources:
        return {
            "WriterRole": role("s3:PutObject", OBJECTS),
            "Writer": one(type_, depends, **{property_: att("WriterRole")}),
        }

    return made


def delivering(depends: list[str] | None) -> Resources:
    action = {
        "ActionTypeId": {"Provider": "CodeBuild"},
        "Configuration": {"ProjectName": ref("Writer")},
        "OutputArtifacts": [{"Name": "Made"}],
    }
    return {
        "WriterRole": role("s3:*", OBJECTS, service="codebuild"),
        "Writer": one(
            "AWS::CodeBuild::Project", depends, ServiceRole=att("WriterRole"), Artifacts={"Type": "CODEPIPELINE"}
        ),
        "Pipeline": one(
            "AWS::CodePipeline::Pipeline",
            ["Emptied"],
            ArtifactStore={"Location": ref("Bucket")},
            Stages=[{"Actions": [action]}],
        ),
    }


def setting(type_: str, **properties: Any) -> Any:
    return lambda depends: {"Writer": one(type_, depends, **properties)}


WRITERS: dict[str, Any] = {
    "function": acting("AWS::Lambda::Function", "Role"),
    "notebook": acting("AWS::SageMaker::NotebookInstance", "RoleArn"),
    "state machine": acting("AWS::StepFunctions::StateMachine", "RoleArn"),
    "glue job": acting("AWS::Glue::Job", "Role"),
    "build that nothing starts": acting("AWS::CodeBuild::Project", "ServiceRole"),
    "build that delivers artifacts": delivering,
    "endpoint that captures": capturing,
    "endpoint whose model may write": hosting,
    "function that starts jobs": launching,
    "pipeline": setting("AWS::CodePipeline::Pipeline", ArtifactStore={"Location": ref("Bucket")}),
    "flow log": setting("AWS::EC2::FlowLog", LogDestination=att("Bucket")),
    "work group": setting(
        "AWS::Athena::WorkGroup",
        WorkGroupConfiguration={"ResultConfiguration": {"OutputLocation": sub("s3://${Bucket}/athena/")}},
    ),
    "trail": setting("AWS::CloudTrail::Trail", S3BucketName=ref("Bucket")),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_writer_goes_before_what_empties_its_bucket(kind: str, make: Make) -> None:
    wrong = HANDLER | EMPTIED | WRITERS[kind](None)
    right = HANDLER | EMPTIED | WRITERS[kind](["Emptied"])
    check(make, ORDER, "Writer", wrong, "Writer may still write into Bucket after Emptied emptied it", right)
    assert [row.status for row in rows(make, right, "Bucket", ORDER)] == ["pass"]


def test_each_writer_has_a_row_of_its_own(make: Make) -> None:
    resources = HANDLER | EMPTIED | WRITERS["function"](None) | {"Log": WRITERS["flow log"](None)["Writer"]}
    for name in ("Writer", "Log"):
        assert [row.status for row in rows(make, resources, name, ORDER)] == ["open"], name


@pytest.mark.parametrize("location", ["s3://results/athena/", "s3://results"])
def test_a_work_group_may_name_its_bucket_by_text(location: str, make: Make) -> None:
    named = {
        "Bucket": one("AWS::S3::Bucket", BucketName="results"),
        "Emptied": hook("Custom::Empty", ["Bucket"], BucketName="results"),
    }
    configuration = {"ResultConfiguration": {"OutputLocation": location}}
    wrong = HANDLER | named | {"Writer": one("AWS::Athena::WorkGroup", WorkGroupConfiguration=configuration)}
    right = wrong | {"Writer": one("AWS::Athena::WorkGroup", ["Emptied"], WorkGroupConfiguration=configuration)}
    check(make, ORDER, "Writer", wrong, "Writer may still write into Bucket", right)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "arn:aws:s3:::elsewhere/*",
        sub("arn:${AWS::Partition}:s3:::made-${AWS::AccountId}-${AWS::Region}/*"),
        sub("${Other.Arn}/*"),
    ],
)
def test_what_writes_elsewhere_need_not_wait(elsewhere: Any, make: Make) -> None:
    resources = (
        HANDLER
        | EMPTIED
        | {
            "Other": one("AWS::S3::Bucket"),
            "WriterRole": role("s3:PutObject", elsewhere),
            "Writer": one("AWS::Lambda::Function", Role=att("WriterRole")),
        }
    )
    assert rows(make, resources, "Writer", ORDER) == []


def test_who_may_write_anywhere_may_write_into_each_bucket(make: Make) -> None:
    resources = (
        HANDLER
        | EMPTIED
        | {
            "WriterRole": role("s3:*", "arn:aws:s3:::*"),
            "Writer": one("AWS::Lambda::Function", Role=att("WriterRole")),
        }
    )
    assert [row.status for row in rows(make, resources, "Writer", ORDER)] == ["open"]


def test_a_job_whose_role_only_reads_need_not_be_over(make: Make) -> None:
    reading = launching(None) | {"JobRole": role("s3:GetObject", OBJECTS, service="sagemaker")}
    assert rows(make, HANDLER | EMPTIED | reading, "Writer", ORDER) == []


def test_a_role_that_is_passed_but_starts_no_job_writes_nothing(make: Make) -> None:
    idle = launching(None) | {"LauncherRole": passing("sagemaker:DescribeTrainingJob")}
    assert rows(make, HANDLER | EMPTIED | idle, "Writer", ORDER) == []


def test_a_build_that_only_writes_files_ends_with_what_starts_it(make: Make) -> None:
    # GIVEN a build whose commands may write into a bucket that is no artifact store
    def built(starts: list[str] | None) -> Resources:
        pipeline = delivering(None)["Pipeline"] | {"DependsOn": starts or []}
        pipeline["Properties"]["ArtifactStore"] = {"Location": "elsewhere"}
        return HANDLER | EMPTIED | delivering(None) | {"Pipeline": pipeline}

    # THEN it is enough that the pipeline is gone when the bucket is emptied
    check(make, ORDER, "Writer", built(None), "Writer may still write into Bucket", built(["Emptied"]))


GROUP = {"Group": one("AWS::SageMaker::ModelPackageGroup", ModelPackageGroupName="models")}
PACKAGES = sub("arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:model-package/models/*")


def registering(resource: Any, depends: list[str] | None) -> Resources:
    return {
        "WriterRole": role("sagemaker:CreateModelPackage", resource, service="sagemaker"),
        "Writer": one("AWS::SageMaker::Pipeline", depends, RoleArn=att("WriterRole")),
        "Removed": hook("Custom::PackagesRemoved", ["Group"], ModelPackageGroupName="models"),
    }


def test_what_registers_models_goes_before_what_removes_them(make: Make) -> None:
    wrong = HANDLER | GROUP | registering(PACKAGES, None)
    right = HANDLER | GROUP | registering(PACKAGES, ["Removed"])
    check(make, ORDER, "Writer", wrong, "Writer may still write into Group after Removed emptied it", right)


def test_what_registers_models_of_another_group_need_not_wait(make: Make) -> None:
    other = "arn:aws:sagemaker:us-east-1:123456789012:model-package/others/*"
    assert rows(make, HANDLER | GROUP | registering(other, None), "Writer", ORDER) == []


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (GROUP["Group"], {"ModelPackageGroupName": "models"}),
        (one("AWS::S3::Bucket", BucketName="results"), {"BucketName": "results"}),
        (one("AWS::SageMaker::MonitoringSchedule", MonitoringScheduleName="hourly"), {"Schedule": "hourly"}),
    ],
    ids=["group", "bucket", "schedule"],
)
def test_what_is_named_by_its_text_is_kept_until_the_custom_resource_has_run(
    thing: dict[str, Any], name: dict[str, str], make: Make
) -> None:
    wrong = HANDLER | {"Thing": thing, "Removed": hook("Custom::Removed", None, **name)}
    right = HANDLER | {"Thing": thing, "Removed": hook("Custom::Removed", ["Thing"], **name)}
    check(make, ORDER, "Removed", wrong, "Removed names Thing by its text", right)


def test_a_second_custom_resource_that_says_the_same_text_need_not_wait(make: Make) -> None:
    resources = (
        HANDLER
        | GROUP
        | {
            "Removed": hook("Custom::PackagesRemoved", ["Group"], ModelPackageGroupName="models"),
            "Same": hook("Custom::Other", None, Title="models"),
        }
    )
    for name in ("Removed", "Same"):
        assert {row.status for row in rows(make, resources, name, ORDER)} == {"pass"}, name
