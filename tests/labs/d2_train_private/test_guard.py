"""The guard denies every job that lacks a protection, and the check of it finds a guard with a hole."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from labkit.catalogue import pick
from labkit.errors import UserError

VALUES = {"Key": "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"}


def plain(value: Any) -> Any:
    """References as texts of their own, so that equal references stay equal."""
    if isinstance(value, dict):
        if "Fn::Join" in value:
            separator, parts = value["Fn::Join"]
            return separator.join(plain(part) for part in parts)
        if set(value) & {"Ref", "Fn::GetAtt", "Fn::Sub"}:
            target = next(iter(value.values()))
            name = target[0] if isinstance(target, list) else target
            return VALUES.get(name, name)
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def guard(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("steps/guard.py")


@pytest.fixture
def template(synthesize: Any) -> dict[str, Any]:
    """The lab's resources."""
    found: dict[str, Any] = synthesize(pick(["d2_train_private"])[0]).template["Resources"]
    return found


@pytest.fixture
def policy(template: dict[str, Any]) -> list[dict[str, Any]]:
    """The guard's statements."""
    (found,) = (one for name, one in template.items() if name.startswith("TrainingGuard"))
    return list(plain(found["Properties"]["PolicyDocument"]["Statement"]))


@pytest.fixture
def definition(template: dict[str, Any]) -> dict[str, Any]:
    """The definition that the launcher holds."""
    (function,) = (
        one
        for name, one in template.items()
        if one["Type"] == "AWS::Lambda::Function" and name.startswith("TrainingLauncher")
    )
    found: dict[str, Any] = json.loads(plain(function["Properties"]["Environment"]["Variables"]["JOB_DEFINITION"]))
    return found


def test_the_guard_lets_the_definition_pass_and_nothing_less(
    guard: ModuleType, policy: list[dict[str, Any]], definition: dict[str, Any]
) -> None:
    # GIVEN the synthesized guard and definition
    assert guard.denied_by(policy, definition) == []
    # THEN each variation is denied
    denied = {name: guard.denied_by(policy, request) for name, request in guard.variations(definition).items()}
    assert len(denied) == 13
    assert [name for name, statements in denied.items() if not statements] == []


def test_each_statement_of_the_guard_is_needed(
    guard: ModuleType, policy: list[dict[str, Any]], definition: dict[str, Any]
) -> None:
    # WHEN a statement is taken out of the guard THEN some variation passes
    holes = {}
    for statement in policy:
        rest = [one for one in policy if one is not statement]
        holes[statement["Sid"]] = [
            name for name, request in guard.variations(definition).items() if not guard.denied_by(rest, request)
        ]
    useless = [sid for sid, passed in holes.items() if not passed]
    # Without a VPC both the subnets and the groups are absent: each of the two statements alone denies that job.
    assert set(useless) <= {"WithoutVpc", "WithoutSecurityGroup"}


def test_every_definition_holds_what_the_lab_promises(definition: dict[str, Any]) -> None:
    # THEN a job is private, encrypted, on spot, resumable and limited
    assert definition["EnableNetworkIsolation"] is True
    assert definition["EnableInterContainerTrafficEncryption"] is True
    assert definition["EnableManagedSpotTraining"] is True
    assert definition["ResourceConfig"]["VolumeKmsKeyId"] == definition["OutputDataConfig"]["KmsKeyId"] == VALUES["Key"]
    assert definition["CheckpointConfig"]["LocalPath"] == "/opt/ml/checkpoints"
    stopping = definition["StoppingCondition"]
    assert stopping["MaxWaitTimeInSeconds"] >= stopping["MaxRuntimeInSeconds"]
    assert len(definition["VpcConfig"]["Subnets"]) == 2


def test_a_condition_operator_that_is_not_known_is_not_passed_over(
    guard: ModuleType, policy: list[dict[str, Any]], definition: dict[str, Any]
) -> None:
    # GIVEN a guard with an operator that the check does not know
    changed = copy.deepcopy(policy)
    changed[0]["Condition"] = {"StringLike": {"sagemaker:VpcSubnets": "*"}}
    # THEN it is an error
    with pytest.raises(ValueError, match="StringLike"):
        guard.denied_by(changed, definition)


def test_a_type_with_disks_of_its_own_is_refused_when_the_template_is_made(synthesize: Any) -> None:
    # WHEN such a type is chosen THEN the message names the setting and the reason
    with pytest.raises(UserError, match=r"training_instance_type: got 'ml\.m5d\.large'.*volume key"):
        synthesize(pick(["d2_train_private"])[0], place="disks", training_instance_type="ml.m5d.large")
