"""Who may do what, decided from the synthesized policies: one table, and what it must say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labkit.catalogue import pick
from tests.conftest import unaccepted

APPROVING = {"codepipeline:PutApprovalResult", "sagemaker:UpdateModelPackage"}
DEPLOYING = {"sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint", "sagemaker:DeleteEndpoint"}
# They have nothing to do with releases, and get neither right nor denial.
APART = {"ExpiryRole", "HousekeepingPartsRole", "NetworkFlowLogRole"}

Table = dict[str, dict[str, set[str]]]


@pytest.fixture
def table(template: dict[str, Any]) -> Table:
    """Role to its allowed and denied actions."""
    resources = template["Resources"]
    found: Table = {n: {"Allow": set(), "Deny": set()} for n, r in resources.items() if r["Type"] == "AWS::IAM::Role"}
    for resource in resources.values():
        if resource["Type"] != "AWS::IAM::ManagedPolicy":
            continue
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            for role in resource["Properties"]["Roles"]:
                found[role["Ref"]][statement["Effect"]].update(actions)
    return found


def may(table: Table, *actions: str) -> set[str]:
    """Roles that may do one of these: allowed by one policy and denied by none."""
    return {name for name, row in table.items() if set(actions) & row["Allow"] - row["Deny"]}


def test_one_role_approves_and_it_is_the_one_of_people(table: Table) -> None:
    assert may(table, *APPROVING) == {"ReleaseRole"}


def test_the_two_roles_of_cloudformation_deploy_and_nothing_else(table: Table) -> None:
    assert {name.rstrip("0123456789ABCDEF") for name in may(table, *DEPLOYING)} == {
        "ProductionDeployment",
        "StagingDeployment",
    }


def test_every_other_role_of_the_release_is_denied_both(table: Table) -> None:
    releasing = may(table, *APPROVING, *DEPLOYING)
    free = {name for name, row in table.items() if name not in releasing and not row["Deny"] >= (APPROVING | DEPLOYING)}
    assert {name.rstrip("0123456789ABCDEF") for name in free} == APART
    assert table["ReleaseRole"]["Deny"] >= DEPLOYING


def test_each_program_may_call_what_it_calls_and_no_more_of_sagemaker(table: Table) -> None:
    wanted = {
        "Validate": set(),
        "Train": {"DescribeEndpoint", "DescribeEndpointConfig", "DescribeModel", "DescribePipelineExecution",
                  "ListPipelineExecutionSteps", "StartPipelineExecution"},
        "Evaluate": {"DescribePipelineExecution", "ListPipelineExecutionSteps"},
        "Register": {"DescribeModelPackage", "DescribePipelineExecution", "ListPipelineExecutionSteps"},
        "Test": {"InvokeEndpoint"},
    }  # fmt: skip
    for stage, actions in wanted.items():
        (row,) = [row for name, row in table.items() if name.startswith(f"Programs{stage}{stage}BuildPartsRole")]
        assert {a.split(":")[1] for a in row["Allow"] if a.startswith("sagemaker:")} == actions, stage


def test_roles_are_passed_to_one_service_each(template: dict[str, Any]) -> None:
    passing = [
        statement
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if "iam:PassRole" in statement["Action"] and statement["Effect"] == "Allow"
    ]
    assert len(passing) == 5
    for statement in passing:
        assert statement["Condition"]["StringEquals"]["iam:PassedToService"] in (
            "sagemaker.amazonaws.com",
            "cloudformation.amazonaws.com",
        )
        assert statement["Resource"].keys() == {"Fn::GetAtt"}


def test_roles_of_actions_trust_the_pipelines_role_alone(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    used = {
        action["RoleArn"]["Fn::GetAtt"][0]
        for resource in resources.values()
        if resource["Type"] == "AWS::CodePipeline::Pipeline"
        for stage in resource["Properties"]["Stages"]
        for action in stage["Actions"]
        if "RoleArn" in action
    }
    assert len(used) == 9  # each branch has a source of its own
    for name in used:
        (statement,) = resources[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"AWS": {"Fn::GetAtt": ["PipelineRole", "Arn"]}}


def test_the_endpoint_of_the_api_lets_pass_what_builds_call_and_no_approval(
    table: Table, template: dict[str, Any]
) -> None:
    (endpoint,) = [
        r for r in template["Resources"].values()
        if r["Type"] == "AWS::EC2::VPCEndpoint" and r["Properties"]["ServiceName"].endswith(".sagemaker.api")
    ]  # fmt: skip
    (statement,) = endpoint["Properties"]["PolicyDocument"]["Statement"]
    called = {
        action
        for name, row in table.items()
        if name.startswith("Programs") and "BuildPartsRole" in name
        for action in row["Allow"]
        if action.startswith("sagemaker:") and action != "sagemaker:InvokeEndpoint"
    }
    assert set(statement["Action"]) == called


def test_deployed_stacks_are_removed_before_what_they_use(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    for place in ("Staging", "Production"):
        (removed,) = [
            r for n, r in resources.items() if r["Type"] == "Custom::StackRemovedOnDelete" and n.startswith(place)
        ]
        before = " ".join(removed["DependsOn"])
        for needed in (
            f"{place}DeploymentPolicy",
            f"{place}HostRolePolicy",
            f"{place}Logs",
            "ModelsEmptied",
            "NetworkS3",
        ):
            assert needed in before, needed
    for resource in resources.values():
        if resource["Type"] == "AWS::CodePipeline::Pipeline":
            assert sum("Removed" in name for name in resource["DependsOn"]) == 2


def test_code_may_come_from_a_repository_by_setting(synthesize: Any) -> None:
    connection = "arn:aws:codeconnections:us-east-1:123456789012:connection/11111111-2222-3333-4444-555555555555"
    made = synthesize(
        pick(["d3_retraining_cicd"])[0],
        place="repository",
        repository={"connection_arn": connection, "name": "owner/models"},
        branches={"release": "production"},
    )
    assert unaccepted(made) == []
    (pipeline,) = [r for r in made.template["Resources"].values() if r["Type"] == "AWS::CodePipeline::Pipeline"]
    (source,) = pipeline["Properties"]["Stages"][0]["Actions"]
    assert source["ActionTypeId"]["Provider"] == "CodeStarSourceConnection"
    assert source["Configuration"]["BranchName"] == "release"
    assert f'"{connection}"' in json.dumps(made.template)
