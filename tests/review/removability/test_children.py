"""A stack that a pipeline deploys is removed after the pipeline, and before what it was told to use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.review.conftest import Make
from tests.review.removability.parts import (
    EMPTIED,
    HANDLER,
    OBJECTS,
    ORDER,
    Resources,
    att,
    check,
    hook,
    one,
    ref,
    role,
    rows,
    sub,
)

USED = ("Deployment", "DeploymentPolicy", "HostRole", "HostPolicy", "Group", "Topic", "Emptied")


def policy(role_: str, action: str, resource: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return one("AWS::IAM::ManagedPolicy", Roles=[ref(role_)], PolicyDocument={"Statement": [statement]})


def deployed(*, removed_after: tuple[str, ...] = USED, pipeline_after: tuple[str, ...] = ("Removed",)) -> Resources:
    """A pipeline that deploys the stack ``lab-staging`` with what ``USED`` names."""
    entries = [
        {
            "Environment": name,
            "Role": f"${{{host}.Arn}}",
            "Group": f"${{{group}.GroupId}}",
            "Topic": "${Topic}",
            "Count": "1",
        }
        for name, host, group in (("staging", "HostRole", "Group"), ("production", "OtherRole", "OtherGroup"))
    ]
    variables = [{"Name": "ENVIRONMENTS", "Value": sub(json.dumps(entries))}]
    built = {
        "ActionTypeId": {"Provider": "CodeBuild"},
        "Configuration": {"ProjectName": ref("Build")},
        "OutputArtifacts": [{"Name": "Release"}],
    }
    deploys = {
        "ActionTypeId": {"Provider": "CloudFormation"},
        "Configuration": {
            "StackName": "lab-staging",
            "RoleArn": att("Deployment"),
            "TemplateConfiguration": "Release::configurations/staging.json",
        },
    }
    return HANDLER | EMPTIED | {
        "Deployment": role(service="cloudformation"),
        "DeploymentPolicy": policy("Deployment", "iam:PassRole", att("HostRole")),
        "HostRole": role(service="sagemaker"),
        "HostPolicy": policy("HostRole", "s3:PutObject", OBJECTS),
        "OtherRole": role(service="sagemaker"),
        "Group": one("AWS::EC2::SecurityGroup"),
        "OtherGroup": one("AWS::EC2::SecurityGroup"),
        "Topic": one("AWS::SNS::Topic"),
        "Build": one("AWS::CodeBuild::Project", Environment={"EnvironmentVariables": variables}),
        "Pipeline": one("AWS::CodePipeline::Pipeline", list(pipeline_after), Stages=[{"Actions": [built, deploys]}]),
        "Removed": hook("Custom::StackRemoved", list(removed_after), StackName="lab-staging"),
    }  # fmt: skip


@pytest.mark.parametrize("name", [one for one in USED if one not in ("Deployment", "HostRole")])
def test_what_a_child_stack_works_with_outlives_it(name: str, make: Make) -> None:
    wrong = deployed(removed_after=tuple(one for one in USED if one != name))
    said = f"{name} may be deleted before Removed removed the stack lab-staging"
    check(make, ORDER, "Removed", wrong, said, deployed())


def test_roles_of_a_child_stack_outlive_it(make: Make) -> None:
    # GIVEN a custom resource that waits for nothing
    told = [row.evidence for row in rows(make, deployed(removed_after=()), "Removed", ORDER) if row.status == "open"]
    # THEN both roles are named: the one that deploys, and the one that it hands on
    assert len(told) == 1
    assert {"Deployment", "HostRole"} <= set(told[0].partition(" may be")[0].split(", "))


def test_a_role_that_the_deploying_role_hands_on_outlives_the_stack(make: Make) -> None:
    def untold(*after: str) -> Resources:
        resources = deployed(removed_after=after)
        del resources["Pipeline"]["Properties"]["Stages"][0]["Actions"][1]["Configuration"]["TemplateConfiguration"]
        return resources

    check(
        make, ORDER, "Removed", untold("DeploymentPolicy", "Emptied"), "HostPolicy may be deleted before", untold(*USED)
    )


def test_what_another_stack_was_told_is_none_of_its_business(make: Make) -> None:
    (row,) = [row for row in rows(make, deployed(), "Removed", ORDER) if "goes before" in row.evidence]
    assert row.status == "pass"
    assert not {"OtherRole", "OtherGroup"} & set(row.evidence.rpartition(": ")[2].split(", "))


def test_settings_that_are_not_split_by_stack_count_for_each(make: Make) -> None:
    def told(*after: str) -> Resources:
        resources = deployed(removed_after=after)
        variables = [{"Name": "GROUP", "Value": att("OtherGroup", "GroupId")}, {"Name": "OWN", "Value": ref("Thing")}]
        resources["Build"]["Properties"]["Environment"]["EnvironmentVariables"] = variables
        return resources | {"Thing": one("AWS::SSM::Parameter")}

    check(make, ORDER, "Removed", told(*USED), "OtherGroup may be deleted before", told(*USED, "OtherGroup"))


def test_what_an_action_overrides_outlives_the_stack(make: Make) -> None:
    def overriding(*after: str) -> Resources:
        resources = deployed(removed_after=after)
        action = resources["Pipeline"]["Properties"]["Stages"][0]["Actions"][1]
        action["Configuration"]["ParameterOverrides"] = sub('{"Table": "${Table}"}')
        return resources | {"Table": one("AWS::DynamoDB::Table")}

    check(make, ORDER, "Removed", overriding(*USED), "Table may be deleted before", overriding(*USED, "Table"))


def test_what_deploys_a_stack_goes_before_what_removes_it(make: Make) -> None:
    wrong = deployed(pipeline_after=("Topic",))
    check(make, ORDER, "Pipeline", wrong, "Pipeline may deploy lab-staging again after Removed deleted it", deployed())
