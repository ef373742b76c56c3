"""What goes wrong goes wrong as in CloudFormation: refused at once, or rolled back with the reason in the events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.base.conftest import Cloud
from tests.rehearsal.base.every_type import ref, resource, trust

QUEUE = resource("AWS::SQS::Queue", {})
# A redrive policy that names no queue: SQS itself refuses it.
BROKEN = resource("AWS::SQS::Queue", {"RedrivePolicy": {"maxReceiveCount": 3, "deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:none"}}, DependsOn="Good")  # fmt: skip


def test_a_failed_creation_is_rolled_back_and_told(cloud: Cloud) -> None:
    """GIVEN a resource that its service refuses WHEN created THEN the others are removed and the reason is readable."""
    stack = cloud.create({"Good": QUEUE, "Bad": BROKEN})

    assert stack.status == "ROLLBACK_COMPLETE"
    assert "SetQueueAttributes" in (reason := stack.reasons("CREATE_FAILED")["Bad"]) or "CreateQueue" in reason
    assert "Good" in stack.reasons("DELETE_COMPLETE")
    assert not [url for url in cloud.client("sqs").list_queues().get("QueueUrls", []) if stack.name in url]
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_failed_creation_can_be_kept_for_looking(cloud: Cloud) -> None:
    """GIVEN OnFailure=DO_NOTHING WHEN creation fails THEN what was made stays until the stack is deleted."""
    stack = cloud.create({"Good": QUEUE, "Bad": BROKEN}, OnFailure="DO_NOTHING")

    assert stack.status == "CREATE_FAILED"
    assert stack.physical("Good") in cloud.client("sqs").list_queues()["QueueUrls"]
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_failed_update_restores_what_was(cloud: Cloud) -> None:
    """GIVEN an update of which one part is refused WHEN it fails THEN the parts already changed are changed back."""
    good = resource("AWS::SQS::Queue", {"VisibilityTimeout": 10})
    stack = cloud.create({"Good": good})
    changed = resource("AWS::SQS::Queue", {"VisibilityTimeout": 20})

    assert stack.update({"Good": changed, "New": QUEUE, "Bad": BROKEN}) == "UPDATE_ROLLBACK_COMPLETE"

    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=stack.physical("Good"), AttributeNames=["All"])
    assert attributes["Attributes"]["VisibilityTimeout"] == "10"
    resources = cloud.client("cloudformation").list_stack_resources(StackName=stack.name)["StackResourceSummaries"]
    assert [one["LogicalResourceId"] for one in resources] == ["Good"]
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stack.update({"Good": good})
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_bucket_with_objects_blocks_its_deletion(cloud: Cloud) -> None:
    """GIVEN an object in a stack's bucket WHEN the stack is deleted THEN that fails until the bucket is empty."""
    stack = cloud.create({"Bucket": resource("AWS::S3::Bucket", {}), "Queue": QUEUE})
    s3, bucket = cloud.client("s3"), stack.physical("Bucket")
    s3.put_object(Bucket=bucket, Key="left", Body=b"behind")

    assert stack.delete() == "DELETE_FAILED"
    assert "is not empty" in stack.reasons("DELETE_FAILED")["Bucket"]
    assert "Queue" in stack.reasons("DELETE_COMPLETE")

    s3.delete_object(Bucket=bucket, Key="left")
    assert stack.delete() == "DELETE_COMPLETE"


def test_an_old_version_blocks_the_deletion_too(cloud: Cloud) -> None:
    """GIVEN a versioned bucket of which every object is deleted WHEN the stack is deleted THEN its versions block it."""
    stack = cloud.create({"Bucket": resource("AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "Enabled"}})})
    s3, bucket = cloud.client("s3"), stack.physical("Bucket")
    s3.put_object(Bucket=bucket, Key="left", Body=b"behind")
    s3.delete_object(Bucket=bucket, Key="left")

    assert stack.delete() == "DELETE_FAILED"

    versions = s3.list_object_versions(Bucket=bucket)
    for one in versions["Versions"] + versions["DeleteMarkers"]:
        s3.delete_object(Bucket=bucket, Key="left", VersionId=one["VersionId"])
    assert stack.delete() == "DELETE_COMPLETE"


def test_what_is_retained_stays(cloud: Cloud) -> None:
    """GIVEN DeletionPolicy Retain WHEN the stack is deleted THEN the resource outlives it."""
    stack = cloud.create({"Queue": resource("AWS::SQS::Queue", {}, DeletionPolicy="Retain")})
    url = stack.physical("Queue")

    assert stack.delete() == "DELETE_COMPLETE"

    assert url in cloud.client("sqs").list_queues()["QueueUrls"]
    cloud.client("sqs").delete_queue(QueueUrl=url)


def test_a_named_resource_cannot_be_replaced(cloud: Cloud) -> None:
    """GIVEN a named resource WHEN a fixed property changes THEN the update fails with CloudFormation's advice."""

    def group(description: str) -> dict[str, Any]:
        given = {"ModelPackageGroupName": "named-group", "ModelPackageGroupDescription": description}
        return {"Role": resource("AWS::IAM::Role", {"RoleName": "named-role", "AssumeRolePolicyDocument": trust("a"), "Path": f"/{description}/"}),
                "Group": resource("AWS::SageMaker::ModelPackageGroup", given)}  # fmt: skip

    named = ["CAPABILITY_NAMED_IAM"]
    client = cloud.client("cloudformation")
    client.create_stack(StackName="Named", Capabilities=named, TemplateBody=json.dumps({"Resources": group("one")}))
    from tests.rehearsal.base.conftest import Stack

    stack = Stack(cloud, "Named")
    assert stack.wait() == "CREATE_COMPLETE"
    client.update_stack(StackName="Named", Capabilities=named, TemplateBody=json.dumps({"Resources": group("two")}))
    assert stack.wait() == "UPDATE_ROLLBACK_COMPLETE"
    assert "custom-named resource requires replacing" in stack.reasons("UPDATE_FAILED")["Role"]
    assert stack.delete() == "DELETE_COMPLETE"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown reference": ({"Resources": {"A": resource("AWS::SNS::Topic", {"DisplayName": ref("Nobody")})}}, "Nobody"),
    "circle": (
        {"Resources": {"A": resource("AWS::SNS::Topic", {}, DependsOn="B"), "B": resource("AWS::SNS::Topic", {}, DependsOn="A")}},
        "Circular dependency",
    ),
    "no resources": ({"Resources": {}}, "At least one Resources member"),
    "missing parameter": ({"Parameters": {"P": {"Type": "String"}}, "Resources": {"A": QUEUE}}, r"\[P\] must have values"),
    "value not allowed": (
        {"Parameters": {"P": {"Type": "String", "Default": "c", "AllowedValues": ["a", "b"]}}, "Resources": {"A": QUEUE}},
        "AllowedValues",
    ),
    "value off the pattern": (
        {"Parameters": {"P": {"Type": "String", "Default": "c", "AllowedPattern": "[0-9]+"}}, "Resources": {"A": QUEUE}},
        "must match pattern",
    ),
    "rule": (
        {
            "Rules": {"R": {"Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}, "AssertDescription": "never so"}]}},
            "Resources": {"A": QUEUE},
        },
        "never so",
    ),
    "named role": (
        {"Resources": {"A": resource("AWS::IAM::Role", {"RoleName": "r", "AssumeRolePolicyDocument": trust("a")})}},
        "CAPABILITY_NAMED_IAM",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_template_is_refused_before_anything_is_made(cloud: Cloud, case: str) -> None:
    """GIVEN a template with one mistake WHEN sent THEN the request is refused with the reason and no stack appears."""
    template, reason = REFUSED[case]
    client = cloud.client("cloudformation")

    with pytest.raises(ClientError, match=reason):
        client.create_stack(StackName="Refused", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])

    assert "Refused" not in [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]


def test_a_property_that_cloudformation_does_not_have_fails_the_resource(cloud: Cloud) -> None:
    """GIVEN a misspelt property WHEN created THEN the resource fails as CloudFormation's validation says it."""
    stack = cloud.create({"Queue": resource("AWS::SQS::Queue", {"VisiblityTimeout": 3})})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "extraneous key [VisiblityTimeout] is not permitted" in stack.reasons("CREATE_FAILED")["Queue"]


def test_a_protected_stack_is_not_deleted(cloud: Cloud) -> None:
    """GIVEN termination protection WHEN deleted THEN the request is refused until the protection is off."""
    stack = cloud.create({"Queue": QUEUE}, EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="TerminationProtection"):
        stack.delete()
    cloud.client("cloudformation").update_termination_protection(
        StackName=stack.name, EnableTerminationProtection=False
    )
    assert stack.delete() == "DELETE_COMPLETE"
