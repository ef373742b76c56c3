"""The launcher starts the stack's definition and lets nothing else through."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

DEFINITION = {
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "EnableNetworkIsolation": True,
    "HyperParameters": {"sagemaker_program": '"train.py"'},
    "CheckpointConfig": {"S3Uri": "s3://b/flights/checkpoints/", "LocalPath": "/opt/ml/checkpoints"},
}


class Service:
    """Notes what is asked of SageMaker."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.refuses = False

    def create_training_job(self, **request: Any) -> None:
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "explicit deny"}}, "CreateTrainingJob")
        self.asked.append(request)

    def stop_training_job(self, **request: Any) -> None:
        self.asked.append(request)


@pytest.fixture
def launcher(load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function's module, with a service that only notes."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("JOB_DEFINITION", json.dumps(DEFINITION))
    monkeypatch.setenv("JOB_PREFIX", "Lab-d2")
    module = load("src/launcher.py")
    module.sagemaker = Service()  # type: ignore[attr-defined]
    return module


def test_a_job_is_the_definition_with_a_name_hyperparameters_and_checkpoints(launcher: ModuleType) -> None:
    # WHEN a job is started with a hyperparameter
    answer = launcher.handler({"start": "a-1", "hyperparameters": {"eta": 0.2}, "checkpoints": "b"}, None)
    # THEN all else is the definition
    assert answer == {"status": 200, "job": "lab-d2-a-1"}
    (request,) = launcher.sagemaker.asked
    assert request == {
        **DEFINITION,
        "TrainingJobName": "lab-d2-a-1",
        "HyperParameters": {"sagemaker_program": '"train.py"', "eta": "0.2"},
        "CheckpointConfig": {"S3Uri": "s3://b/flights/checkpoints/b/", "LocalPath": "/opt/ml/checkpoints"},
    }


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("start", "must be an object"),
        ({}, "start must be"),
        ({"start": "Upper"}, "start must be"),
        ({"start": "a", "checkpoints": "../b"}, "checkpoints must be"),
        ({"start": "a", "hyperparameters": []}, "hyperparameters must be an object"),
        ({"start": "a", "hyperparameters": {"sagemaker_program": "x"}}, "Unknown hyperparameter"),
        ({"start": "a", "hyperparameters": {"eta": True}}, "eta must be a number from 0.001 to 1"),
        ({"start": "a", "hyperparameters": {"num_round": 10**6}}, "num_round must be a number from 1 to 1000"),
        ({"start": "a", "EnableNetworkIsolation": False}, "Unknown member EnableNetworkIsolation"),
        ({"stop": "another"}, "no job of this stack"),
    ],
)
def test_anything_else_is_refused_with_a_reason(launcher: ModuleType, event: Any, reason: str) -> None:
    # WHEN more is asked THEN the answer is 400 and says why, and nothing was started
    answer = launcher.handler(event, None)
    assert answer["status"] == 400
    assert reason in answer["error"]
    assert launcher.sagemaker.asked == []


def test_what_the_guard_denies_is_told(launcher: ModuleType) -> None:
    # GIVEN a guard that denies
    launcher.sagemaker.refuses = True
    # THEN the caller learns it
    assert "AccessDenied" in launcher.handler({"start": "a"}, None)["error"]
