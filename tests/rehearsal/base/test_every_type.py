"""Every emulated type: created, changed and deleted for real, with nothing lost and nothing left."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import labkit.rehearsal.types as types
from labkit.rehearsal.leftovers import compare
from tests.rehearsal.base.conftest import Cloud, Stack
from tests.rehearsal.base.every_type import TEMPLATE


@pytest.fixture(scope="module")
def before(cloud: Cloud) -> list[dict[str, str]]:
    inventory: list[dict[str, str]] = cloud.emulator.get("inventory")
    return inventory


@pytest.fixture(scope="module")
def stack(cloud: Cloud, before: list[dict[str, str]]) -> Iterator[Stack]:
    made = cloud.create(copy.deepcopy(TEMPLATE))
    yield made
    if made.status != "DELETE_COMPLETE":
        made.delete()


def known_types() -> set[str]:
    """Every type that has a row, found by walking the folder."""
    modules = [path.stem for path in Path(types.__file__).parent.glob("*.py") if path.stem != "__init__"]
    rows = [row for module in modules for row in getattr(import_module(f"{types.__name__}.{module}"), "ROWS", [])]
    return {row.type for row in rows}


# Types that need something beside them, and the test that makes them.
ELSEWHERE = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "test_endpoint.py",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "test_endpoint.py",
    "AWS::CloudFormation::Stack": "test_nested.py",
    "AWS::CloudFormation::WaitConditionHandle": "test_nested.py",
    "AWS::EC2::EIP": "test_public_network.py",
    "AWS::EC2::InternetGateway": "test_public_network.py",
    "AWS::EC2::NatGateway": "test_public_network.py",
    "AWS::EC2::NetworkAcl": "test_public_network.py",
    "AWS::EC2::Route": "test_public_network.py",
    "AWS::EC2::VPCGatewayAttachment": "test_public_network.py",
    "AWS::Lambda::LayerVersion": "test_functions.py",
    "AWS::SageMaker::Endpoint": "test_endpoint.py",
}


def test_the_fixture_holds_every_type_that_has_a_row() -> None:
    """GIVEN the rows WHEN compared with the fixture THEN each is there, or in a test named for it."""
    used = {resource["Type"] for resource in TEMPLATE["Resources"].values()}
    assert known_types() - used == set(ELSEWHERE)
    for file in ELSEWHERE.values():
        assert (Path(__file__).parent / file).exists()


def test_every_type_is_created_whole(stack: Stack) -> None:
    """GIVEN one resource of each type WHEN created THEN the stack stands and no property was dropped."""
    assert (stack.status, stack.reasons("CREATE_FAILED")) == ("CREATE_COMPLETE", {})
    assert {name: entry["dropped"] for name, entry in stack.ledger().items() if entry["dropped"]} == {}


def test_no_resource_goes_without_a_label(stack: Stack) -> None:
    """GIVEN a created stack WHEN the ledger is read THEN each resource has a label and none is unknown."""
    entries = stack.ledger()
    wanted = {name for name, one in TEMPLATE["Resources"].items() if "Condition" not in one}
    assert entries.keys() == wanted
    assert {entry["label"] for entry in entries.values()} == {"executed", "recorded"}


def test_a_false_condition_leaves_its_resource_and_output_out(stack: Stack) -> None:
    """GIVEN a condition that does not hold WHEN created THEN its resource and its output are absent."""
    assert "Maybe" not in stack.ledger()
    assert {output["OutputKey"] for output in stack.described["Outputs"]} == {"Vpc", "Arn"}


def test_resources_are_created_after_what_they_need(stack: Stack) -> None:
    """GIVEN references and DependsOn WHEN created THEN the order follows both."""
    order = stack.order("CREATE_COMPLETE")
    assert order.index("Key") < order.index("Bucket")
    assert order.index("LogsPolicy") < order.index("Bucket")
    assert order.index("Policy") < order.index("Model")


SETTINGS: dict[str, tuple[str, Any]] = {
    "get_bucket_versioning": ("Status", "Enabled"),
    "get_bucket_encryption": (
        "ServerSideEncryptionConfiguration.Rules.0.ApplyServerSideEncryptionByDefault.SSEAlgorithm", "aws:kms"
    ),
    "get_bucket_logging": ("LoggingEnabled.TargetPrefix", "s3/"),
    "get_bucket_lifecycle_configuration": ("Rules.0.NoncurrentVersionExpiration.NewerNoncurrentVersions", 2),
    "get_public_access_block": ("PublicAccessBlockConfiguration.RestrictPublicBuckets", True),
    "get_bucket_ownership_controls": ("OwnershipControls.Rules.0.ObjectOwnership", "BucketOwnerEnforced"),
    "get_bucket_accelerate_configuration": ("Status", "Enabled"),
    "get_bucket_notification_configuration": ("EventBridgeConfiguration", {}),
    "get_bucket_cors": ("CORSRules.0.MaxAgeSeconds", 3),
    "get_bucket_tagging": ("TagSet.0.Value", "b"),
    "list_bucket_intelligent_tiering_configurations": (
        "IntelligentTieringConfigurationList.0.Tierings.0.AccessTier", "ARCHIVE_ACCESS"
    ),
}  # fmt: skip


def test_a_bucket_has_all_that_its_template_says(stack: Stack, cloud: Cloud) -> None:
    """GIVEN a bucket with every kind of setting WHEN read through its API THEN each is there."""
    bucket = stack.physical("Bucket")
    seen = {
        name: dug(getattr(cloud.client("s3"), name)(Bucket=bucket), path, "") for name, (path, _) in SETTINGS.items()
    }
    assert seen == {name: wanted for name, (_, wanted) in SETTINGS.items()}
    lock = cloud.client("s3").get_object_lock_configuration(Bucket=stack.physical("Locked"))
    assert lock["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 1}


# What is changed: logical id, property, new value; then a call with the place in its answer where it must show.
CHANGES: list[tuple[str, str, Any, str, str, dict[str, str], str, Any]] = [
    ("Key", "Description", "other", "kms", "describe_key", {"KeyId": "Key"}, "KeyMetadata.Description", "other"),
    ("Role", "MaxSessionDuration", 7200, "iam", "get_role", {"RoleName": "Role"}, "Role.MaxSessionDuration", 7200),
    ("FlowGroup", "RetentionInDays", 30, "logs", "describe_log_groups", {"logGroupNamePrefix": "FlowGroup"},
     "logGroups.0.retentionInDays", 30),
    ("Topic", "DisplayName", "other", "sns", "get_topic_attributes", {"TopicArn": "Topic"}, "Attributes.DisplayName",
     "other"),
    ("Queue", "VisibilityTimeout", 77, "sqs", "get_queue_attributes", {"QueueUrl": "Queue"},
     "Attributes.VisibilityTimeout", "77"),
    ("Alarm", "Threshold", 5, "cloudwatch", "describe_alarms", {}, "MetricAlarms.Alarm.Threshold", 5.0),
    ("Fn", "MemorySize", 512, "lambda", "get_function_configuration", {"FunctionName": "Fn"}, "MemorySize", 512),
    ("Sched", "ScheduleExpression", "rate(1 day)", "scheduler", "list_schedules", {}, "", None),
    ("Database", "DatabaseInput", {"Name": "labs_x", "Description": "other"}, "glue", "get_database",
     {"Name": "Database"}, "Database.Description", "other"),
    ("Crawler", "TablePrefix", "new_", "glue", "get_crawler", {"Name": "Crawler"}, "Crawler.TablePrefix", "new_"),
    ("Work", "Description", "other", "athena", "get_work_group", {"WorkGroup": "Work"}, "WorkGroup.Description", "other"),
    ("Machine", "DefinitionString", '{"StartAt":"B","States":{"B":{"Type":"Succeed"}}}', "stepfunctions",
     "describe_state_machine", {"stateMachineArn": "Machine"}, "definition",
     '{"StartAt":"B","States":{"B":{"Type":"Succeed"}}}'),
    ("Param", "Description", "other", "ssm", "get_parameter", {"Name": "Param"}, "", None),
    ("Vpc", "EnableDnsHostnames", True, "ec2", "describe_vpcs", {}, "", None),
    ("Build", "Description", "other", "codebuild", "batch_get_projects", {"names": "Build"}, "projects.0.description",
     "other"),
    ("Runtime", "PolicyDocument", {"Version": "2012-10-17", "Statement": []}, "ec2", "describe_vpc_endpoints", {}, "", None),
]  # fmt: skip


def dug(answer: Any, path: str, physical: str) -> Any:
    for part in path.split("."):
        if isinstance(answer, list):
            answer = answer[int(part)] if part.isdigit() else next(one for one in answer if physical in one.values())
        else:
            answer = answer[part]
    return answer


def test_changes_have_a_real_effect(stack: Stack, cloud: Cloud) -> None:
    """GIVEN a stack WHEN properties change THEN the services' own APIs show the new values, and nothing is replaced."""
    physical = {name: stack.physical(name) for name, *_ in CHANGES}
    changed = copy.deepcopy(TEMPLATE)
    del changed["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]
    for name in ("Role", "FlowGroup", "Topic", "Fn"):
        changed["Resources"][name]["Properties"]["Tags"] = [{"Key": "new", "Value": name}]
    del changed["Resources"]["Bucket"]["Properties"]["IntelligentTieringConfigurations"]
    for name, property, value, *_ in CHANGES:
        changed["Resources"][name]["Properties"][property] = value

    assert (stack.update(changed), stack.reasons("UPDATE_FAILED")) == ("UPDATE_COMPLETE", {})

    assert {name: stack.physical(name) for name, *_ in CHANGES} == physical
    for name, _, _, service, operation, given, path, wanted in CHANGES:
        if path:
            parameters: dict[str, Any] = {key: [physical[name]] if key == "names" else physical[name] for key in given}
            if service == "sqs":
                parameters["AttributeNames"] = ["All"]
            answer = getattr(cloud.client(service), operation)(**parameters)
            assert dug(answer, path, physical[name]) == wanted, name
    assert cloud.client("lambda").get_function(FunctionName=physical["Fn"])["Tags"] == {"new": "Fn"}
    assert cloud.client("iam").list_role_tags(RoleName=physical["Role"])["Tags"] == [{"Key": "new", "Value": "Role"}]
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        cloud.client("s3").get_bucket_lifecycle_configuration(Bucket=stack.physical("Bucket"))
    tiering = cloud.client("s3").list_bucket_intelligent_tiering_configurations(Bucket=stack.physical("Bucket"))
    assert "IntelligentTieringConfigurationList" not in tiering
    endpoint = cloud.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[physical["Runtime"]])["VpcEndpoints"][0]
    assert json.loads(endpoint["PolicyDocument"])["Statement"] == []
    assert {name: entry["dropped"] for name, entry in stack.ledger().items() if entry["dropped"]} == {}


def test_a_property_that_cannot_change_replaces_the_resource(stack: Stack, cloud: Cloud) -> None:
    """GIVEN an endpoint configuration WHEN its variant changes THEN a new one stands and the old one is gone."""
    old = stack.physical("Config")
    given = [{"ParameterKey": "Count", "ParameterValue": "2"}]

    assert stack.update(TEMPLATE, Parameters=given) == "UPDATE_COMPLETE"

    new = stack.physical("Config")
    names = [one["EndpointConfigName"] for one in cloud.client("sagemaker").list_endpoint_configs()["EndpointConfigs"]]
    assert names == [new.rsplit("/", 1)[-1]]
    assert old != new


def test_a_condition_that_comes_true_adds_its_resource(stack: Stack) -> None:
    """GIVEN a stack without a conditional queue WHEN the parameter says yes THEN the queue and its output are there."""
    given = [{"ParameterKey": "Extra", "ParameterValue": "yes"}]
    assert stack.update(TEMPLATE, Parameters=given) == "UPDATE_COMPLETE"
    assert stack.physical("Maybe").startswith("http")
    assert "Cond" in {output["OutputKey"] for output in stack.described["Outputs"]}


def test_deletion_leaves_nothing_but_the_key(stack: Stack, cloud: Cloud, before: list[dict[str, str]]) -> None:
    """GIVEN a stack of every type WHEN deleted THEN only the key that waits for its deletion exists."""
    key = stack.physical("Key")
    # Looking at the bucket's settings has written access logs, as it does in an account.
    logs = cloud.client("s3").list_objects_v2(Bucket=stack.physical("Logs"))["Contents"]
    for log in logs:
        cloud.client("s3").delete_object(Bucket=stack.physical("Logs"), Key=log["Key"])

    assert (stack.delete(), stack.reasons("DELETE_FAILED")) == ("DELETE_COMPLETE", {})

    left, kept = compare(before, cloud.emulator.get("inventory"))
    assert left == []
    assert [(one.kind, one.identifier) for one in kept] == [("kms::Key", key)]
    tagged = cloud.client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "lab", "Values": ["x"]}])
    assert [key in one["ResourceARN"] for one in tagged["ResourceTagMappingList"]] == [True]
    order = stack.order("DELETE_COMPLETE")
    assert order.index("Model") < order.index("Policy") < order.index("Role")
