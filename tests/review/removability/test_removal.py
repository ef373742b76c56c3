"""What survives a deletion is named with its reason, its cost and what to do; what goes is said to go."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.conftest import Make
from tests.review.removability.parts import (
    COMPLETELY,
    EMPTIED,
    HANDLER,
    ORDER,
    PURPOSE,
    UNBLOCKED,
    Resources,
    att,
    check,
    hook,
    one,
    ref,
    role,
    rows,
    sub,
)

KEPT = {
    "retained": (
        one("AWS::S3::Bucket", DeletionPolicy="Retain"),
        "Thing stays (DeletionPolicy Retain) and goes on costing USD 0.023 per GB-month",
    ),
    "retained but at creation": (one("AWS::SQS::Queue", DeletionPolicy="RetainExceptOnCreate"), "Thing stays"),
    "snapshot": (
        one("AWS::EC2::Volume", DeletionPolicy="Snapshot"),
        "a last snapshot of Thing stays as DeletionPolicy says",
    ),
    "snapshot by default": (one("AWS::RDS::DBInstance"), "a last snapshot of Thing stays by default"),
    "left by an update": (one("AWS::S3::Bucket", UpdateReplacePolicy="Retain"), "an update that replaces Thing leaves"),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_a_policy_keeps_is_open_until_accepted(name: str, make: Make) -> None:
    body, text = KEPT[name]
    right = {"Thing": body | {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}}
    check(make, PURPOSE, "Thing", {"Thing": body}, text, right)


def test_a_member_of_a_cluster_leaves_no_snapshot_of_its_own(make: Make) -> None:
    member = {"Thing": one("AWS::RDS::DBInstance", DBClusterIdentifier="c")}
    assert [row.status for row in rows(make, member, "Thing", PURPOSE)] == ["pass"]


def test_a_policy_that_nobody_knows_is_unknown(make: Make) -> None:
    (row,) = rows(make, {"Thing": one("AWS::S3::Bucket", DeletionPolicy=ref("Given"))}, "Thing", PURPOSE)
    assert row.status == "unknown"


def test_a_key_that_waits_for_deletion_costs_nothing_and_is_told(make: Make) -> None:
    (row,) = rows(make, {"Thing": one("AWS::KMS::Key", PendingWindowInDays=7)}, "Thing", PURPOSE)
    assert (row.status, row.evidence) == (
        "pass",
        "Thing is kept by AWS for 7 days, unusable and without charge; then it is gone",
    )


LOGS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "AWS::Lambda::Function": ({}, "/aws/lambda/<name>", {"LoggingConfig": {"LogGroup": ref("Logs")}}),
    "AWS::CodeBuild::Project": (
        {},
        "/aws/codebuild/<name>",
        {"LogsConfig": {"CloudWatchLogs": {"GroupName": ref("Logs")}}},
    ),
}


@pytest.mark.parametrize("type_", LOGS)
def test_a_log_group_that_the_service_makes_stays(type_: str, make: Make) -> None:
    wrong, group, right = LOGS[type_]
    text = f"the service makes the log group {group} for Thing; it stays"
    owned = {"Thing": one(type_, **right), "Logs": one("AWS::Logs::LogGroup")}
    check(make, COMPLETELY, "Thing", {"Thing": one(type_, **wrong)}, text, owned)


@pytest.mark.parametrize(
    ("type_", "properties", "group"),
    [
        ("AWS::SageMaker::Endpoint", {"EndpointName": "e"}, "/aws/sagemaker/Endpoints/e"),
        ("AWS::Glue::Crawler", {}, "/aws-glue/crawlers-role/r"),
        ("AWS::SageMaker::NotebookInstance", {}, "/aws/sagemaker/NotebookInstances"),
        ("AWS::ApiGateway::Stage", {"MethodSettings": [{"LoggingLevel": "INFO"}]}, "API-Gateway-Execution-Logs_a/s"),
    ],
)
def test_a_group_of_that_name_belongs_to_the_stack(type_: str, properties: Any, group: str, make: Make) -> None:
    thing = {"Thing": one(type_, **properties)}
    owned = thing | {"Logs": one("AWS::Logs::LogGroup", LogGroupName=group)}
    check(make, COMPLETELY, "Thing", thing, "the service makes the log group", owned)


def test_a_group_from_elsewhere_is_unknown(make: Make) -> None:
    thing = {"Thing": one("AWS::Lambda::Function", LoggingConfig={"LogGroup": "elsewhere"})}
    assert [row.status for row in rows(make, thing, "Thing", COMPLETELY)] == ["unknown"]


MADE = {
    "home file system": (
        "AWS::SageMaker::Domain",
        {},
        "the file system of the users' homes (EFS)",
        "USD 0.3 per GB-month",
    ),
    "offline store": ("AWS::SageMaker::FeatureGroup", {"OfflineStoreConfig": {}}, "the offline store", "per GB-month"),
}


@pytest.mark.parametrize("name", MADE)
def test_what_a_service_makes_stays_unless_a_custom_resource_removes_it(name: str, make: Make) -> None:
    type_, properties, made, cost = MADE[name]
    group = one("AWS::Logs::LogGroup", LogGroupName="/aws/sagemaker/studio")
    thing = {"Thing": one(type_, **properties), "Logs": group}
    right = HANDLER | thing | {"Removed": hook("Custom::Remove", Name=ref("Thing"))}
    check(make, COMPLETELY, "Thing", thing, made, right)
    assert any(cost in row.evidence for row in rows(make, thing, "Thing", COMPLETELY))


def test_automated_backups_stay_where_the_template_says_so(make: Make) -> None:
    wrong = {"Thing": one("AWS::RDS::DBInstance", DeleteAutomatedBackups=False)}
    right = {"Thing": one("AWS::RDS::DBInstance", DeleteAutomatedBackups=True)}
    check(make, COMPLETELY, "Thing", wrong, "automated backups", right)


@pytest.mark.parametrize(
    ("action", "made"),
    [
        ("sagemaker:CreateEndpoint", "an endpoint that bills by the hour"),
        ("ec2:RunInstances", "an instance that bills by the hour"),
        ("s3:CreateBucket", "a bucket"),
        ("logs:CreateLogGroup", "a log group that never expires"),
        ("sagemaker:CreateTrainingJob", "/aws/sagemaker/TrainingJobs"),
    ],
)
def test_what_a_role_may_make_at_run_time_is_told(action: str, made: str, make: Make) -> None:
    check(make, COMPLETELY, "Thing", {"Thing": role(action)}, made, {"Thing": role("s3:GetObject")})


def test_what_cloudformation_makes_with_a_role_belongs_to_a_stack(make: Make) -> None:
    deploys = {"Thing": role("sagemaker:CreateEndpoint", service="cloudformation")}
    assert rows(make, deploys, "Thing", COMPLETELY) == []


def test_a_log_group_of_the_stack_that_a_role_may_make_again_is_no_leftover(make: Make) -> None:
    resources = {"Logs": one("AWS::Logs::LogGroup"), "Thing": role("logs:CreateLogGroup", att("Logs"))}
    assert [row.status for row in rows(make, resources, "Thing", COMPLETELY)] == ["pass"]


def test_jobs_log_to_a_group_of_the_stack_if_there_is_one(make: Make) -> None:
    group = one("AWS::Logs::LogGroup", LogGroupName="/aws/sagemaker/TrainingJobs")
    resources = {"Thing": role("sagemaker:CreateTrainingJob"), "Logs": group}
    assert [row.status for row in rows(make, resources, "Thing", COMPLETELY)] == ["pass"]


def deploying() -> dict[str, Any]:
    action = {"ActionTypeId": {"Provider": "CloudFormation"}, "Configuration": {"StackName": "deployed"}}
    return one("AWS::CodePipeline::Pipeline", Stages=[{"Actions": [action]}])


def test_a_stack_that_a_pipeline_deploys_stays_unless_it_is_deleted(make: Make) -> None:
    removed = HANDLER | {"Thing": deploying(), "Removed": hook("Custom::StackRemoved", StackName="deployed")}
    check(make, COMPLETELY, "Thing", {"Thing": deploying()}, "deploys the stack deployed, which stays", removed)


def test_a_role_that_may_make_only_the_stack_that_is_deleted_leaves_nothing(make: Make) -> None:
    arn = sub("arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/deployed/*")
    thing = {"Thing": role("cloudformation:CreateStack", arn)}
    removed = HANDLER | thing | {"Removed": hook("Custom::StackRemoved", StackName="deployed")}
    check(make, COMPLETELY, "Thing", thing, "a stack with whatever is in it", removed)


PROTECTED = [
    ("AWS::RDS::DBInstance", {"DeletionProtection": True}),
    ("AWS::DynamoDB::Table", {"DeletionProtectionEnabled": "true"}),
    ("AWS::Cognito::UserPool", {"DeletionProtection": "ACTIVE"}),
    ("AWS::EC2::Instance", {"DisableApiTermination": True}),
    ("AWS::Backup::BackupVault", {"LockConfiguration": {"MinRetentionDays": 1}}),
    ("AWS::EMR::Cluster", {"Instances": {"TerminationProtected": True}}),
    (
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        {"LoadBalancerAttributes": [{"Key": "deletion_protection.enabled", "Value": "true"}]},
    ),
]


@pytest.mark.parametrize(("type_", "properties"), PROTECTED, ids=lambda one: one if isinstance(one, str) else "")
def test_a_protection_that_is_on_blocks_the_stack(type_: str, properties: dict[str, Any], make: Make) -> None:
    found = rows(make, {"Thing": one(type_, **properties)}, "Thing", UNBLOCKED, "d9_on")
    assert any("refuses to delete Thing" in row.evidence and row.status == "open" for row in found)
    off = rows(make, {"Thing": one(type_)}, "Thing", UNBLOCKED, "d9_off")
    assert not any("refuses" in row.evidence for row in off)


def test_a_protection_that_only_deployment_tells_is_unknown(make: Make) -> None:
    (row,) = rows(make, {"Thing": one("AWS::RDS::DBInstance", DeletionProtection=ref("P"))}, "Thing", UNBLOCKED)
    assert row.status == "unknown"


CONTAINERS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "AWS::S3::Bucket": ({}, {}, "nothing removes the objects in Thing: with one in it, deletion fails"),
    "AWS::ECR::Repository": ({}, {"EmptyOnDelete": True}, "nothing removes the images in Thing"),
    "AWS::Athena::WorkGroup": ({}, {"RecursiveDeleteOption": True}, "queries and their history"),
    "AWS::SageMaker::ModelPackageGroup": ({}, {}, "model packages"),
}


@pytest.mark.parametrize("type_", CONTAINERS)
def test_a_container_that_nothing_empties_blocks_the_stack(type_: str, make: Make) -> None:
    wrong, option, text = CONTAINERS[type_]
    right = (
        {"Thing": one(type_, **option)}
        if option
        else HANDLER | {"Thing": one(type_), "Emptied": hook(Name=ref("Thing"))}
    )
    check(make, UNBLOCKED, "Thing", {"Thing": one(type_, **wrong)}, text, right)


def test_a_container_that_is_kept_need_not_be_empty(make: Make) -> None:
    assert rows(make, {"Thing": one("AWS::S3::Bucket", DeletionPolicy="Retain")}, "Thing", UNBLOCKED) == []


def test_a_custom_resource_that_names_a_group_by_its_name_empties_it(make: Make) -> None:
    group = one("AWS::SageMaker::ModelPackageGroup", ModelPackageGroupName="models")
    resources = HANDLER | {"Thing": group, "Removed": hook("Custom::Removed", ModelPackageGroupName="models")}
    assert [row.status for row in rows(make, resources, "Thing", UNBLOCKED)] == ["pass"]


def test_a_monitoring_schedule_is_stopped_before_it_is_deleted(make: Make) -> None:
    thing = {"Thing": one("AWS::SageMaker::MonitoringSchedule")}
    stopped = HANDLER | thing | {"Stopped": hook("Custom::Stopped", Name=ref("Thing"))}
    check(make, UNBLOCKED, "Thing", thing, "is not deleted while one of its executions runs", stopped)


def test_a_custom_resource_keeps_its_permissions_until_it_is_done(make: Make) -> None:
    policy = one("AWS::IAM::ManagedPolicy", Roles=[ref("HandlerRole")], PolicyDocument={"Statement": []})
    wrong = HANDLER | EMPTIED | {"Policy": policy}
    right = wrong | {"Emptied": hook("Custom::EmptyOnDelete", ["Policy"], BucketName=ref("Bucket"))}
    check(make, ORDER, "Emptied", wrong, "Policy may be deleted before Emptied", right)


def test_who_answers_from_another_stack_is_unknown(make: Make) -> None:
    resources = {"Emptied": one("Custom::EmptyOnDelete", ServiceToken={"Fn::ImportValue": "handler"}, BucketName="b")}
    assert [row.status for row in rows(make, resources, "Emptied", ORDER)] == ["unknown"]


def test_access_logs_are_emptied_when_the_buckets_are_gone_that_they_are_of(make: Make) -> None:
    def source(depends: list[str] | None) -> Resources:
        return {
            "Source": one("AWS::S3::Bucket", depends, LoggingConfiguration={"DestinationBucketName": ref("Bucket")})
        }

    right = HANDLER | EMPTIED | source(["Emptied"])
    check(make, ORDER, "Bucket", HANDLER | EMPTIED | source(None), "accesses to Source are still logged", right)


def test_interfaces_that_go_late_are_told(make: Make) -> None:
    place = {"SubnetIds": [ref("Subnet")], "SecurityGroupIds": []}
    resources = HANDLER | {
        "Subnet": one("AWS::EC2::Subnet", VpcId="vpc-1"),
        "Thing": one("AWS::Lambda::Function", Role=att("HandlerRole"), VpcConfig=place),
    }
    (row,) = rows(make, resources, "Thing", ORDER)
    assert (row.status, "20 to 40 minutes" in row.evidence) == ("pass", True)


def test_a_service_linked_role_is_told_and_costs_nothing(make: Make) -> None:
    (row,) = rows(make, {"Thing": one("AWS::ApplicationAutoScaling::ScalableTarget")}, "Thing", COMPLETELY)
    assert (row.status, "costs nothing" in row.evidence) == ("pass", True)
