"""One isolated job per window, whatever asks for it and how often."""

from __future__ import annotations

from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from tests.labs.d4_model_monitor.conftest import CODE, Load

KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
SETTINGS = {
    "prefix": "lab-x",
    "endpoint": "lab-x",
    "captures": "captures",
    "capture_prefix": "capture/lab-x/main",
    "outcomes": "outcomes-bucket",
    "outcomes_prefix": "outcomes",
    "baselines": "baselines",
    "reports": "reports",
    "role": "arn:aws:iam::123456789012:role/job",
    "image": "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
    "key": KEY,
    "instance_type": "ml.t3.large",
    "subnets": ["subnet-1", "subnet-2"],
    "security_groups": ["sg-1"],
    "wait_hours": 3,
    "longest": 3000,
    "code": "s3://assets/abc.pyz",
    "config": "s3://assets/def.json",
    "model": "s3://assets/123.gz",
}


class Bucket:
    """An S3 client that knows which prefixes hold something."""

    def __init__(self, *held: str) -> None:
        self.held = held

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int) -> dict[str, int]:  # noqa: N803
        return {"KeyCount": int(any(f"{Bucket}/{Prefix}".startswith(each) for each in self.held))}


class SageMaker:
    """A SageMaker client that checks each request against the API's model and keeps it."""

    def __init__(self, client: Any) -> None:
        self.client, self.exceptions = client, client.exceptions
        self.asked: list[dict[str, Any]] = []
        self.taken = False

    def create_processing_job(self, **request: Any) -> None:
        self.asked.append(request)
        with Stubber(self.client) as stub:
            if self.taken:
                stub.add_client_error("create_processing_job", "ResourceInUse")
            else:
                arn = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/x"
                stub.add_response("create_processing_job", {"ProcessingJobArn": arn}, dict.fromkeys(request, ANY))
            self.client.create_processing_job(**request)


BASELINE = "baselines/current/"
DAY = "captures/capture/lab-x/main/2026/07/01"


@pytest.fixture
def launcher(load: Load) -> ModuleType:
    module = load(CODE / "launcher.py", SETTINGS)
    module.sagemaker = SageMaker(module.sagemaker)
    module.s3 = Bucket(BASELINE, f"{DAY}/12", f"{DAY}/13")
    return module


def inputs(job: dict[str, Any]) -> dict[str, str]:
    return {each["S3Input"]["LocalPath"]: each["S3Input"]["S3Uri"] for each in job["ProcessingInputs"]}


def test_the_fresh_job_looks_at_the_last_whole_hour(launcher: ModuleType) -> None:
    # WHEN the schedule calls at a quarter past two
    answer = launcher.handler({"mode": "monitor", "kind": "fresh", "at": "2026-07-01T14:15:00Z"}, None)
    # THEN the job reads the hour from one to two, and its name says so
    assert answer == {"job": "lab-x-fresh-20260701140000"}
    [job] = launcher.sagemaker.asked
    assert job["Environment"]["start_time"] == "2026-07-01T13:00:00Z"
    assert job["Environment"]["end_time"] == "2026-07-01T14:00:00Z"
    place = "/opt/ml/processing/input/endpoint/2026/07/01/13"
    assert inputs(job)[place] == "s3://captures/capture/lab-x/main/2026/07/01/13/"
    assert "ground_truth_source" not in job["Environment"]


def test_every_job_is_isolated_and_encrypted(launcher: ModuleType) -> None:
    launcher.handler({"mode": "monitor", "kind": "fresh", "at": "2026-07-01T14:15:00Z"}, None)
    [job] = launcher.sagemaker.asked
    assert job["NetworkConfig"] == {
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
        "VpcConfig": {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
    }
    assert job["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == KEY
    assert job["ProcessingOutputConfig"]["KmsKeyId"] == KEY
    assert job["AppSpecification"]["ContainerEntrypoint"] == ["python3", "/opt/ml/processing/input/code/abc.pyz"]


def test_the_late_job_joins_outcomes_of_the_days_in_which_they_came(launcher: ModuleType) -> None:
    # GIVEN requests before midnight, and outcomes of both days
    launcher.s3 = Bucket(
        BASELINE, f"{DAY}/22", "outcomes-bucket/outcomes/2026/07/01", "outcomes-bucket/outcomes/2026/07/02"
    )
    # WHEN the schedule calls three hours after their hour has ended
    answer = launcher.handler({"mode": "monitor", "kind": "late", "at": "2026-07-02T02:30:00Z"}, None)
    # THEN
    assert answer == {"job": "lab-x-late-20260701230000"}
    [job] = launcher.sagemaker.asked
    assert [uri for uri in inputs(job).values() if "outcomes" in uri] == [
        "s3://outcomes-bucket/outcomes/2026/07/01/", "s3://outcomes-bucket/outcomes/2026/07/02/",
    ]  # fmt: skip
    assert job["Environment"]["ground_truth_source"] == "/opt/ml/processing/input/ground_truth"


@pytest.mark.parametrize(
    ("held", "kind", "why"),
    [
        ((f"{DAY}/13",), "fresh", "there is no baseline yet"),
        ((BASELINE,), "fresh", "no request was captured from 2026-07-01T13:00:00Z to 2026-07-01T14:00:00Z"),
        ((BASELINE, f"{DAY}/10"), "late", "no outcome is known of the requests from"),
    ],
)
def test_it_says_why_there_is_nothing_to_do(launcher: ModuleType, held: tuple[str, ...], kind: str, why: str) -> None:
    launcher.s3 = Bucket(*held)
    answer = launcher.handler({"mode": "monitor", "kind": kind, "at": "2026-07-01T14:15:00Z"}, None)
    assert answer["job"] is None
    assert answer["because"].startswith(why)
    assert launcher.sagemaker.asked == []


def test_a_second_delivery_of_the_same_hour_starts_nothing(launcher: ModuleType) -> None:
    launcher.sagemaker.taken = True
    answer = launcher.handler({"mode": "monitor", "kind": "fresh", "at": "2026-07-01T14:15:00Z"}, None)
    assert answer == {"job": "lab-x-fresh-20260701140000", "because": "it was started before"}


def test_the_widest_window_fits_the_inputs_of_a_job(launcher: ModuleType) -> None:
    launcher.s3 = Bucket("captures/", "outcomes-bucket/", "baselines/")
    event = {"mode": "monitor", "kind": "late", "start": "2026-07-01T21:30:00Z", "end": "2026-07-02T00:00:00Z"}
    launcher.handler(event, None)
    [job] = launcher.sagemaker.asked
    assert len(job["ProcessingInputs"]) <= 10
    assert len({each["InputName"] for each in job["ProcessingInputs"]}) == len(job["ProcessingInputs"])


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, "Send"),
        ({"mode": "monitor", "kind": "daily", "at": "2026-07-01T14:15:00Z"}, "Send"),
        ({"mode": "monitor", "kind": "fresh", "at": "noon"}, "Write a time like"),
        (
            {"mode": "monitor", "kind": "fresh", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T13:01:00Z"},
            "3 hours",
        ),
        (
            {"mode": "monitor", "kind": "fresh", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T10:00:00Z"},
            "begins before",
        ),
        ({"mode": "baseline", "again": "../x"}, "again must be"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(launcher: ModuleType, event: dict[str, Any], said: str) -> None:
    with pytest.raises(launcher.RefusedError, match=said):
        launcher.handler(event, None)


def test_the_baseline_is_learned_from_the_data_set(launcher: ModuleType) -> None:
    assert launcher.handler({"mode": "baseline"}, None)["because"].startswith("no data set lies under")
    launcher.s3 = Bucket("baselines/dataset/")
    before = datetime.now(UTC)
    name = launcher.handler({"mode": "baseline"}, None)["job"]
    # A day may end meanwhile.
    days = {f"{moment:%Y%m%d}" for moment in (before, datetime.now(UTC))}
    assert any(name.startswith(f"lab-x-baseline-{day}") for day in days)
    [job] = launcher.sagemaker.asked
    [output] = job["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://baselines/current"
    assert job["Environment"]["mode"] == "baseline"
