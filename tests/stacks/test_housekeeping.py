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
from botocore.exceptions import ClientError
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
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/answer"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox()
    yield box
    box.server.shutdown()
    box.server.server_close()


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


class Jobs:
    """SageMaker as far as stopping jobs goes: a job that is told to stop is gone two looks later."""

    def __init__(self, kind: str, **states: str) -> None:
        self.kind, self.states, self.told = kind, states, list[str]()

    def get_paginator(self, operation: str) -> Any:
        assert operation == f"list_{self.kind.lower()}_jobs"
        name = f"{self.kind}Job"

        def paginate(*, NameContains: str, StatusEquals: str) -> list[dict[str, Any]]:  # noqa: N803 - as boto3 names it
            found = [one for one, state in self.states.items() if NameContains in one and state == StatusEquals]
            if StatusEquals == "Stopping":
                self.states |= dict.fromkeys(found, "Stopped")
            return [{f"{name}Summaries": [{f"{name}Name": one, f"{name}Status": StatusEquals} for one in found]}]

        return SimpleNamespace(paginate=paginate)

    def stop_training_job(self, *, TrainingJobName: str) -> None:  # noqa: N803 - as boto3 names it
        self._stop("Training", TrainingJobName)

    def stop_processing_job(self, *, ProcessingJobName: str) -> None:  # noqa: N803 - as boto3 names it
        self._stop("Processing", ProcessingJobName)

    def _stop(self, kind: str, name: str) -> None:
        assert (kind, self.states[name]) == (self.kind, "InProgress")
        self.told.append(name)
        self.states[name] = "Stopping"


JOBS = {"Training": "Custom::StopTrainingOnDelete", "Processing": "Custom::StopJobsOnDelete"}


@pytest.mark.parametrize("kind", JOBS)
def test_running_jobs_of_the_stack_are_stopped_and_waited_for(
    code: ModuleType, inbox: Inbox, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN jobs of the stack that run, stop and are over, and one of another stack whose name holds the prefix
    jobs = Jobs(kind, **{"lab-a": "InProgress", "lab-b": "Stopping", "lab-c": "Completed", "other-lab-d": "InProgress"})
    monkeypatch.setattr(code, "boto3", SimpleNamespace(client=lambda name: jobs))
    monkeypatch.setattr(code.time, "sleep", lambda seconds: None)
    # WHEN the stack is deleted
    answer = call(code, inbox, "Delete", JOBS[kind], JobPrefix="lab-")
    # THEN what runs is told to stop once, and the answer comes when nothing of the stack runs any more
    assert answer["Status"] == "SUCCESS"
    assert jobs.told == ["lab-a"]
    assert jobs.states == {"lab-a": "Stopped", "lab-b": "Stopped", "lab-c": "Completed", "other-lab-d": "InProgress"}


@pytest.mark.parametrize("kind", JOBS)
def test_jobs_that_do_not_stop_in_time_are_told(code: ModuleType, inbox: Inbox, kind: str, monkeypatch: Any) -> None:
    jobs = Jobs(kind, **{"lab-a": "InProgress"})
    monkeypatch.setattr(code, "boto3", SimpleNamespace(client=lambda name: jobs))
    answer = call(code, inbox, "Delete", JOBS[kind], remaining=1_000, JobPrefix="lab-")
    assert answer["Status"] == "FAILED"
    assert "lab-a: delete the stack again" in answer["Reason"]


@pytest.mark.parametrize("kind", JOBS)
def test_no_job_is_stopped_while_the_stack_stands(
    code: ModuleType, inbox: Inbox, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(kind, **{"lab-a": "InProgress"})
    monkeypatch.setattr(code, "boto3", SimpleNamespace(client=lambda name: jobs))
    for request in ("Create", "Update"):
        assert call(code, inbox, request, JOBS[kind], JobPrefix="lab-")["Status"] == "SUCCESS"
    assert jobs.told == []


class Monitor(Jobs):
    """The same for a monitoring schedule, whose executions are processing jobs."""

    stopped = ""

    def stop_monitoring_schedule(self, *, MonitoringScheduleName: str) -> None:  # noqa: N803 - as boto3 names it
        self.stopped = MonitoringScheduleName
        if not self.states:
            error = {"Error": {"Code": "ResourceNotFound", "Message": "no such schedule"}}
            raise ClientError(error, "StopMonitoringSchedule")

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_monitoring_executions"

        def paginate(*, MonitoringScheduleName: str, StatusEquals: str) -> list[dict[str, Any]]:  # noqa: N803
            assert MonitoringScheduleName == self.stopped
            found = [one for one, state in self.states.items() if state == StatusEquals]
            summaries = [{"ProcessingJobArn": f"arn:aws:sagemaker:::processing-job/{one}"} for one in found]
            return [{"MonitoringExecutionSummaries": [*summaries, {"MonitoringExecutionStatus": StatusEquals}]}]

        return SimpleNamespace(paginate=paginate)

    def _stop(self, kind: str, name: str) -> None:
        self.told.append(name)
        self.states[name] = "Stopped"


def test_a_monitoring_schedule_and_what_it_runs_are_stopped(
    code: ModuleType, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = Monitor("Processing", first="InProgress", second="Completed")
    monkeypatch.setattr(code, "boto3", SimpleNamespace(client=lambda name: monitor))
    monkeypatch.setattr(code.time, "sleep", lambda seconds: None)
    answer = call(code, inbox, "Delete", "Custom::StopMonitoringOnDelete", ScheduleName="hourly")
    assert (answer["Status"], monitor.stopped, monitor.told) == ("SUCCESS", "hourly", ["first"])


def test_a_monitoring_schedule_that_is_gone_counts_as_stopped(
    code: ModuleType, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "boto3", SimpleNamespace(client=lambda name: Monitor("Processing")))
    assert call(code, inbox, "Delete", "Custom::StopMonitoringOnDelete", ScheduleName="gone")["Status"] == "SUCCESS"


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
