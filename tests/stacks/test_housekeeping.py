"""The code that CloudFormation calls, run as written against emulated services."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from labkit.catalogue import ROOT

CODE = ROOT / "stacks" / "secure" / "housekeeping_code" / "handler.py"


class Inbox:
    """Receives the answers that CloudFormation would get."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        inbox = self

        class Receive(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                inbox.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Receive)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/answer"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox()
    yield box
    box.server.shutdown()


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("housekeeping_handler", CODE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    with mock_aws(config={"core": {"passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}):
        spec.loader.exec_module(module)
        yield module


def call(
    code: ModuleType, inbox: Inbox, request: str, kind: str, remaining: int = 900_000, **properties: str
) -> dict[str, Any]:
    event = {
        "RequestType": request, "ResourceType": kind, "ResourceProperties": properties, "ResponseURL": inbox.url,
        "StackId": "s", "RequestId": "r", "LogicalResourceId": "l",
    }  # fmt: skip
    if request != "Create":
        event["PhysicalResourceId"] = next(properties[name] for name in code.NAMES if name in properties)
    code.handler(event, SimpleNamespace(log_stream_name="stream", get_remaining_time_in_millis=lambda: remaining))
    return inbox.answers[-1]


def filled_bucket() -> Any:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="lab-bucket")
    s3.put_bucket_versioning(Bucket="lab-bucket", VersioningConfiguration={"Status": "Enabled"})
    for number in range(5):
        s3.put_object(Bucket="lab-bucket", Key=f"k{number % 2}", Body=b"x")
    s3.delete_object(Bucket="lab-bucket", Key="k0")
    return s3


def test_every_version_and_marker_goes_with_the_stack(code: ModuleType, inbox: Inbox) -> None:
    s3 = filled_bucket()
    answer = call(code, inbox, "Delete", "Custom::EmptyOnDelete", BucketName="lab-bucket")
    assert answer["Status"] == "SUCCESS"
    s3.delete_bucket(Bucket="lab-bucket")
    assert s3.list_buckets()["Buckets"] == []


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_nothing_is_deleted_while_the_stack_stands(code: ModuleType, inbox: Inbox, request_type: str) -> None:
    s3 = filled_bucket()
    answer = call(code, inbox, request_type, "Custom::EmptyOnDelete", BucketName="lab-bucket")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "lab-bucket")
    assert len(s3.list_object_versions(Bucket="lab-bucket")["Versions"]) == 5


def test_a_bucket_that_is_gone_counts_as_empty(code: ModuleType, inbox: Inbox) -> None:
    assert call(code, inbox, "Delete", "Custom::EmptyOnDelete", BucketName="gone")["Status"] == "SUCCESS"


def test_running_out_of_time_is_reported_in_time(code: ModuleType, inbox: Inbox) -> None:
    filled_bucket()
    answer = call(code, inbox, "Delete", "Custom::EmptyOnDelete", remaining=1_000, BucketName="lab-bucket")
    assert answer["Status"] == "FAILED"
    assert "delete the stack again" in answer["Reason"]


def deployed_stack() -> Any:
    stacks = boto3.client("cloudformation")
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    stacks.create_stack(StackName="deployed", TemplateBody=json.dumps(template))
    return stacks


def test_a_stack_that_a_pipeline_deployed_goes_first(code: ModuleType, inbox: Inbox) -> None:
    stacks = deployed_stack()
    assert call(code, inbox, "Create", "Custom::StackRemovedOnDelete", StackName="deployed")["Status"] == "SUCCESS"
    assert code.stack_state(stacks, "deployed") == "CREATE_COMPLETE"
    assert call(code, inbox, "Delete", "Custom::StackRemovedOnDelete", StackName="deployed")["Status"] == "SUCCESS"
    assert code.stack_state(stacks, "deployed") is None


def test_a_stack_that_was_never_deployed_counts_as_removed(code: ModuleType, inbox: Inbox) -> None:
    assert call(code, inbox, "Delete", "Custom::StackRemovedOnDelete", StackName="none")["Status"] == "SUCCESS"


def test_a_stack_that_stays_is_told_and_can_be_tried_again(
    code: ModuleType, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed_stack()
    monkeypatch.setattr(code, "stack_state", lambda stacks, name: "DELETE_FAILED")
    monkeypatch.setattr(code.time, "sleep", lambda seconds: None)
    answer = call(code, inbox, "Delete", "Custom::StackRemovedOnDelete", StackName="deployed")
    assert answer["Status"] == "FAILED"
    assert "delete this stack again" in answer["Reason"]


def test_registered_versions_go_with_the_group(code: ModuleType, inbox: Inbox) -> None:
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="lab", ModelPackageGroupDescription="x")
    sagemaker.create_model_package(ModelPackageGroupName="lab", ModelApprovalStatus="PendingManualApproval")
    deleted: list[str] = []

    class Registry:
        def get_paginator(self, name: str) -> Any:
            return sagemaker.get_paginator(name)

        def delete_model_package(self, *, ModelPackageName: str) -> None:  # noqa: N803 - as boto3 names it
            deleted.append(ModelPackageName)

    # moto knows no deletion of a version; what is asked for is what counts.
    code.boto3 = SimpleNamespace(client=lambda name: Registry())
    answer = call(code, inbox, "Delete", "Custom::PackagesRemovedOnDelete", ModelPackageGroupName="lab")
    code.boto3 = boto3
    assert answer["Status"] == "SUCCESS"
    assert len(deleted) == 1
    assert deleted[0].endswith("model-package/lab/1")


def test_the_default_group_loses_its_rules_and_closing_twice_is_fine(code: ModuleType, inbox: Inbox) -> None:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    find = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]}
    group = ec2.describe_security_groups(**find)["SecurityGroups"][0]
    assert group["IpPermissionsEgress"]
    for request in ("Create", "Update"):
        answer = call(
            code, inbox, request, "Custom::VpcRestrictDefaultSG",
            VpcId=vpc, DefaultSecurityGroupId=group["GroupId"], Account="123456789012",
        )  # fmt: skip
        assert answer["Status"] == "SUCCESS"
    group = ec2.describe_security_groups(**find)["SecurityGroups"][0]
    assert group["IpPermissions"] == group["IpPermissionsEgress"] == []


def test_a_failure_is_answered_not_swallowed(code: ModuleType, inbox: Inbox) -> None:
    answer = call(
        code, inbox, "Create", "Custom::VpcRestrictDefaultSG", VpcId="vpc-1", DefaultSecurityGroupId="sg-1", Account="1"
    )
    assert answer["Status"] == "FAILED"
    assert "sg-1" in answer["Reason"]
