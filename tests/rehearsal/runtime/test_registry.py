"""The model registry keeps, describes and announces versions, and lineage says what came of what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

BUCKET = "registry-models"
MODEL = f"s3://{BUCKET}/model.tar.gz"


class Registry:
    """Registers models the way a lab does."""

    def __init__(self, emulator: Any) -> None:
        self.emulator, self.sagemaker = emulator, emulator.client("sagemaker")
        s3 = emulator.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=b"model")
        s3.put_object(Bucket=BUCKET, Key="quality.json", Body=b"{}")

    def group(self, name: str) -> str:
        """A new group."""
        self.sagemaker.create_model_package_group(ModelPackageGroupName=name)
        return name

    def register(self, group: str, **more: Any) -> str:
        """A new version of ``group``."""
        request = {
            "ModelPackageGroupName": group,
            "InferenceSpecification": {
                "Containers": [{"Image": "image:1", "ModelDataUrl": MODEL}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {"ContentType": "application/json", "S3Uri": f"s3://{BUCKET}/quality.json"}
                }
            },
            "CustomerMetadataProperties": {"auc": "0.7"},
            **more,
        }
        return str(self.sagemaker.create_model_package(**request)["ModelPackageArn"])

    def describe(self, arn: str) -> dict[str, Any]:
        """The version."""
        return dict(self.sagemaker.describe_model_package(ModelPackageName=arn))


@pytest.fixture(scope="module")
def registry(emulator: Any) -> Registry:
    """What registers models."""
    return Registry(emulator)


def test_a_version_waits_for_approval_and_is_described_completely(registry: Registry) -> None:
    # WHEN a model is registered with a source
    arn = registry.register(
        registry.group("waits"), SourceUri="arn:aws:sagemaker:us-east-1:123456789012:training-job/a"
    )
    # THEN it waits, and everything given is told
    found = registry.describe(arn)
    assert found["ModelApprovalStatus"] == "PendingManualApproval"
    assert (found["ModelPackageGroupName"], found["ModelPackageVersion"]) == ("waits", 1)
    assert found["SourceUri"].endswith("training-job/a")
    assert found["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"].endswith("quality.json")
    assert "IamIdentity" in found["CreatedBy"]
    assert "LastModifiedTime" not in found
    # AND approval changes it
    registry.sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="better by 0.01"
    )
    approved = registry.describe(arn)
    assert (approved["ModelApprovalStatus"], approved["ApprovalDescription"]) == ("Approved", "better by 0.01")
    assert approved["LastModifiedTime"] >= approved["CreationTime"]


def test_registration_and_approval_are_told_on_the_bus(registry: Registry) -> None:
    # GIVEN a rule for approved models of a group
    queue = registry.emulator.client("sqs").create_queue(QueueName="registry-events")["QueueUrl"]
    events = registry.emulator.client("events")
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": ["told"]},
    }
    events.put_rule(Name="versions", EventPattern=json.dumps(pattern))
    arn = "arn:aws:sqs:us-east-1:123456789012:registry-events"
    events.put_targets(Rule="versions", Targets=[{"Id": "1", "Arn": arn}])
    # WHEN a version is registered and approved
    version = registry.register(registry.group("told"))
    registry.sagemaker.update_model_package(ModelPackageArn=version, ModelApprovalStatus="Approved")
    # THEN both states are told, with times as text
    messages = registry.emulator.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    told = [json.loads(message["Body"])["detail"] for message in messages]
    assert sorted(one["ModelApprovalStatus"] for one in told) == ["Approved", "PendingManualApproval"]
    assert {one["ModelPackageVersion"] for one in told} == {1}
    assert told[0]["CreationTime"].endswith("Z")
    events.remove_targets(Rule="versions", Ids=["1"])
    events.delete_rule(Name="versions")


def test_versions_are_listed_newest_first_and_numbers_are_not_reused(registry: Registry) -> None:
    # GIVEN three versions, the last deleted
    group = registry.group("listed")
    arns = [registry.register(group) for _ in range(3)]
    registry.sagemaker.delete_model_package(ModelPackageName=arns[2])
    # WHEN another is registered
    registry.register(group, ModelApprovalStatus="Approved")
    # THEN it is number 4 and stands first
    found = registry.sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert [one["ModelPackageVersion"] for one in found] == [4, 2, 1]
    # AND lists are filtered, turned and paged
    listing = {"ModelPackageGroupName": group, "SortBy": "CreationTime", "SortOrder": "Ascending"}
    approved = registry.sagemaker.list_model_packages(**listing, ModelApprovalStatus="Approved")
    assert [one["ModelPackageVersion"] for one in approved["ModelPackageSummaryList"]] == [4]
    pages = registry.sagemaker.get_paginator("list_model_packages").paginate(**listing, MaxResults=2)
    versions = [[one["ModelPackageVersion"] for one in each["ModelPackageSummaryList"]] for each in pages]
    assert versions == [[1, 2], [4]]


def test_a_version_without_its_model_or_group_is_refused(registry: Registry) -> None:
    # WHEN the model data is absent THEN the answer names it
    containers = {"Containers": [{"Image": "i", "ModelDataUrl": f"s3://{BUCKET}/none"}], "SupportedContentTypes": ["a"]}
    group = registry.group("refusing")
    with pytest.raises(ClientError, match="Could not find model data"):
        registry.register(group, InferenceSpecification=containers)
    # AND so with the group and with a status that there is not
    with pytest.raises(ClientError, match="does not exist"):
        registry.register("nobody")
    with pytest.raises(ClientError, match="PendingManualApproval"):
        registry.register(group, ModelApprovalStatus="Perhaps")


def test_lineage_leads_from_a_model_back_to_its_data(registry: Registry) -> None:
    # GIVEN data -> training -> model
    sagemaker = registry.sagemaker

    def artifact(name: str, type: str) -> str:
        source = {"SourceUri": f"s3://{BUCKET}/{name}"}
        return str(sagemaker.create_artifact(ArtifactName=name, ArtifactType=type, Source=source)["ArtifactArn"])

    data, model = artifact("data", "DataSet"), artifact("model", "Model")
    training = sagemaker.create_action(
        ActionName="training", ActionType="Training", Source={"SourceUri": "arn:job"}, Status="Completed"
    )["ActionArn"]
    sagemaker.add_association(SourceArn=data, DestinationArn=training, AssociationType="ContributedTo")
    sagemaker.add_association(SourceArn=training, DestinationArn=model, AssociationType="Produced")
    # WHEN one asks what the model came of
    found = sagemaker.query_lineage(StartArns=[model], Direction="Ascendants", IncludeEdges=True)
    # THEN both are named, and the way
    assert {vertex["Arn"] for vertex in found["Vertices"]} == {data, training}
    assert {(edge["SourceArn"], edge["DestinationArn"]) for edge in found["Edges"]} == {
        (data, training),
        (training, model),
    }
    assert sagemaker.query_lineage(StartArns=[model], Direction="Descendants")["Vertices"] == []
    # AND what is associated is not deleted before its associations
    with pytest.raises(ClientError, match="has associations"):
        sagemaker.delete_artifact(ArtifactArn=data)
    sagemaker.delete_association(SourceArn=data, DestinationArn=training)
    sagemaker.delete_artifact(ArtifactArn=data)
    assert [one["ArtifactArn"] for one in sagemaker.list_artifacts()["ArtifactSummaries"]] == [model]
