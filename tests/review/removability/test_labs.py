"""The prover on the labs: what protects a removal is missed when it is taken away."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from labkit.assembly import Assembly
from labkit.review.lab import Lab
from labkit.review.provers import every_prover, removability
from tests.review.conftest import Make


def proved(assembly: Assembly) -> set[tuple[str, str, str, str]]:
    return {(row.rule, row.logical_id, row.status, row.evidence) for row in removability.rows(Lab(assembly))}


def wrong(assembly: Assembly, template: Any = None) -> set[tuple[str, str, str]]:
    other = Assembly(assembly.folder, assembly.record)
    other.__dict__["template"] = template or assembly.template
    return {(rule, name, text) for rule, name, status, text in proved(other) if status in ("open", "unknown")}


def new(assembly: Assembly, name: str, body: Any) -> set[tuple[str, str]]:
    """(rule, resource) of what is wrong once a resource is replaced; ``None`` takes it out."""
    resources = {key: value for key, value in (assembly.template["Resources"] | {name: body}).items() if value}
    return {(rule, place) for rule, place, _ in wrong(assembly, {"Resources": resources}) - _before(assembly)}


@cache
def _before_of(folder: str) -> frozenset[tuple[str, str, str]]:
    return frozenset(wrong(Assembly.read(Path(folder))))


def _before(assembly: Assembly) -> frozenset[tuple[str, str, str]]:
    return _before_of(str(assembly.folder))


def test_each_emptier_of_a_lab_is_missed(assembly: Assembly) -> None:
    for name, body in assembly.template["Resources"].items():
        if body["Type"] in ("Custom::EmptyOnDelete", "Custom::PackagesRemovedOnDelete", "Custom::StackRemovedOnDelete"):
            found = {rule for rule, _ in new(assembly, name, None)}
            assert found & {"removal-unblocked", "removed-completely"}, name


def test_each_bucket_of_a_lab_that_would_be_kept_is_named(assembly: Assembly) -> None:
    for name, body in assembly.template["Resources"].items():
        if body["Type"] in ("AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::KMS::Key"):
            assert ("kept-on-purpose", name) in new(assembly, name, body | {"DeletionPolicy": "Retain"}), name


def test_each_custom_resource_of_a_lab_needs_its_permissions_to_the_end(assembly: Assembly) -> None:
    hooks = [name for name, body in assembly.template["Resources"].items() if body["Type"].startswith("Custom::")]
    template = copy.deepcopy(assembly.template)
    for body in template["Resources"].values():
        body["DependsOn"] = [name for name in body.get("DependsOn", []) if "HousekeepingPartsRolePolicy" not in name]
    found = {(rule, name) for rule, name, _ in wrong(assembly, template) - _before(assembly)}
    assert {("removed-in-order", name) for name in hooks} <= found


def test_each_function_of_a_lab_that_loses_its_log_group_is_named(assembly: Assembly) -> None:
    for name, body in assembly.template["Resources"].items():
        if body["Type"] == "AWS::Lambda::Function":
            template = copy.deepcopy(assembly.template)
            del template["Resources"][name]["Properties"]["LoggingConfig"]
            assert ("removed-completely", name) in {one[:2] for one in wrong(assembly, template) - _before(assembly)}, (
                name
            )


def test_nothing_of_a_lab_is_kept_or_blocked(assembly: Assembly) -> None:
    assert {one for one in wrong(assembly) if one[0] in ("kept-on-purpose", "removal-unblocked")} == set()


def test_what_a_lab_leaves_costs_nothing_by_the_hour(assembly: Assembly) -> None:
    assert not [text for _, _, text in wrong(assembly) if "by the hour" in text or "goes on costing" in text]


def test_every_rule_answers_for_every_lab(assembly: Assembly) -> None:
    assert {rule for rule, _, _, _ in proved(assembly)} == {rule.id for rule in removability.RULES}


HOSTILE: dict[str, Any] = {
    "numbers": {"DeletionPolicy": 3, "Properties": {"BucketName": 1, "LogGroupName": 2, "Stages": 3, "Policies": 4}},
    "lists": {"DeletionPolicy": ["Retain"], "DependsOn": {"a": 1}, "Properties": {"Stages": [[{"Actions": [1]}]]}},
    "functions": {
        "UpdateReplacePolicy": {"Fn::If": []},
        "Properties": {"ServiceToken": {"Ref": []}, "Role": {"Fn::Sub": {}}},
    },
    "actions": {
        "Properties": {
            "Stages": [
                {
                    "Actions": [
                        {
                            "ActionTypeId": {"Provider": "CloudFormation"},
                            "Configuration": {
                                "StackName": "x",
                                "TemplateConfiguration": "A::b",
                                "RoleArn": 3,
                                "ParameterOverrides": [1],
                            },
                            "OutputArtifacts": 3,
                        },
                        {
                            "OutputArtifacts": [{"Name": "A"}, "A", None],
                            "Configuration": {"ProjectName": {"Ref": "Thing"}},
                        },
                    ]
                }
            ],
            "Environment": {"EnvironmentVariables": 3, "Variables": [1, "[[["]},
            "Artifacts": {"Type": {"Ref": "Thing"}},
            "StackName": "x",
            "ServiceToken": {"Ref": "Thing"},
        }
    },
    "itself": {"DependsOn": "Thing", "Properties": {"ServiceToken": {"Ref": "Thing"}, "BucketName": {"Ref": "Thing"}}},
}
TYPES = ("AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::CodePipeline::Pipeline", "AWS::RDS::DBInstance",
         "AWS::Logs::LogGroup", "Custom::Thing", "AWS::SageMaker::Endpoint", "AWS::KMS::Key", "AWS::SageMaker::Domain", "AWS::CodeBuild::Project",
         "AWS::Athena::WorkGroup", "AWS::StepFunctions::StateMachine", "AWS::Scheduler::Schedule")  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_stands_in_a_template_the_answer_is_rows(name: str, make: Make) -> None:
    assembly = make()
    for type_ in TYPES:
        other = Assembly(assembly.folder, assembly.record)
        other.__dict__["template"] = {"Resources": {"Thing": {"Type": type_, **HOSTILE[name]}}}
        assert [text for *_, text in proved(other) if "could not look" in text] == [], type_


def test_a_failure_of_the_prover_is_a_row_that_nobody_can_accept(make: Make, monkeypatch: Any) -> None:
    monkeypatch.setattr(removability.proving, "order", None)
    (row,) = removability.rows(Lab(make()))
    assert (row.status, row.finding) == ("unknown", "")


def test_rules_are_whole_and_the_prover_is_found() -> None:
    assert removability in every_prover()
    for rule in removability.RULES:
        assert all((rule.title, rule.why, rule.fix, rule.controls)), rule.id
        assert rule.source.startswith("https://docs.aws.amazon.com/")
