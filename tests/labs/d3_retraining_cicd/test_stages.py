"""What the programs of the stages decide, apart from AWS."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def train(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("src/release/stages/train.py")


def test_hyperparameters_of_a_run_are_numbers_of_known_names(
    train: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYPERPARAMETERS", "standard")
    assert train.hyperparameters() == {}
    monkeypatch.setenv("HYPERPARAMETERS", "Rounds=1,MaxDepth=2")
    assert train.hyperparameters() == {"Rounds": "1", "MaxDepth": "2"}
    monkeypatch.setenv("HYPERPARAMETERS", "Rounds=1;rm")
    with pytest.raises(SystemExit):
        train.hyperparameters()
    assert "allowed: Rounds=<number>,MaxDepth=<number>" in capsys.readouterr().out


def test_a_configuration_holds_environment_and_package(
    load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB", "d3-retraining-cicd")
    register = load("src/release/stages/register.py")
    package = {
        "ModelPackageArn": "package/1",
        "InferenceSpecification": {
            "Containers": [{"Image": "image", "ModelDataUrl": "s3://models/runs/x/model.tar.gz"}]
        },
    }
    made = register.configuration(package, {"Environment": "staging", "InstanceCount": "1"})
    assert made["Parameters"] == {
        "Environment": "staging", "InstanceCount": "1", "Image": "image",
        "ModelData": "s3://models/runs/x/model.tar.gz", "ModelPackage": "package/1",
    }  # fmt: skip
    assert made["Tags"]["lab"] == "d3-retraining-cicd"


def test_quality_in_staging_is_the_share_of_pairs_in_order(load: Callable[[str], ModuleType]) -> None:
    test = load("src/release/stages/test.py")
    assert test.auc([True, False], [0.9, 0.1]) == 1
    assert test.auc([True, False], [0.1, 0.9]) == 0
    assert test.auc([True, False, False], [0.5, 0.5, 0.1]) == 0.75


def test_a_training_that_ended_badly_is_told_with_the_reason_of_its_step(
    load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    class SageMaker:
        def describe_pipeline_execution(self, **_: Any) -> dict[str, Any]:
            return {"PipelineExecutionStatus": "Failed", "FailureReason": "Step failure"}

        def list_pipeline_execution_steps(self, **_: Any) -> dict[str, Any]:
            return {
                "PipelineExecutionSteps": [{"StepName": "Train", "StepStatus": "Failed", "FailureReason": "no rows"}]
            }

    run = load("src/release/stages/run.py")
    monkeypatch.setattr(run.boto3, "client", lambda name: SageMaker())
    training = run.Training("arn")
    assert training.follow(lambda steps: False)["Train"]["StepStatus"] == "Failed"
    assert training.failure() == "Train: no rows"
