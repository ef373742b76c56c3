"""Which roles and security groups belong together is read from what stands together."""

from __future__ import annotations

import json
from typing import Any

from labkit.review.provers.deployability.kit.handed import handed
from tests.review.deployability.parts import allow, arn, depending, function, one, policy, ref, role, sub, subnets
from tests.review.deployability.test_every_failure import found

CHECK = "deploy-network-outlives-interfaces"
REMOVES = allow("ec2:DeleteNetworkInterface")


def told(variables: dict[str, Any], **more: Any) -> list[str]:
    """The groups that are named, when a function is told something beside a role of jobs in ``Group``."""
    resources = subnets() | {
        "Runs": role("sagemaker.amazonaws.com"),
        "Joins": policy("Runs", REMOVES),
        "Others": one("AWS::EC2::SecurityGroup", VpcId=ref("Vpc"), GroupDescription="others"),
        "Launcher": function(Environment={"Variables": variables}),
    }
    return [name for name, _, _ in found(resources | more, CHECK)]


def test_a_group_in_a_text_beside_a_role_belongs_to_it() -> None:
    assert told({"JOB": sub('{"RoleArn": "${Runs.Arn}", "Network": {"Groups": ["${Group.GroupId}"]}}')}) == ["Group"]


def test_entries_of_a_list_are_not_mixed() -> None:
    # GIVEN a list in which the role stands beside one group, and another role beside the other
    entries = [{"Role": "${Runs.Arn}", "Group": "${Group.GroupId}"}, {"Role": "else", "Group": "${Others.GroupId}"}]
    # THEN only the first belongs to it
    assert told({"ENVIRONMENTS": sub(json.dumps(entries))}) == ["Group"]
    assert told({"ENVIRONMENTS": sub(json.dumps({"a": entries[0], "b": entries[1]}))}) == ["Group"]


def test_objects_that_have_nothing_in_common_are_one_thing() -> None:
    parts = {"network": {"Group": "${Group.GroupId}"}, "jobs": {"Role": "${Runs.Arn}"}}
    assert told({"SETTINGS": sub(json.dumps(parts))}) == ["Group"]


def test_a_group_without_a_role_belongs_to_nobody() -> None:
    assert told({"GROUP": arn("Group", "GroupId")}) == []


def test_a_role_that_makes_no_interfaces_keeps_no_group() -> None:
    both = {"ROLE": arn("Runs"), "GROUP": arn("Group", "GroupId")}
    assert told(both, Joins=policy("Runs", allow("s3:GetObject"))) == []


def test_a_role_of_another_service_is_not_one_of_jobs() -> None:
    both = {"ROLE": arn("Runs"), "GROUP": arn("Group", "GroupId")}
    assert told(both, Runs=role("states.amazonaws.com")) == []


def test_the_network_of_the_function_itself_is_not_that_of_its_jobs() -> None:
    own = function(
        Environment={"Variables": {"ROLE": arn("Runs")}}, VpcConfig={"SecurityGroupIds": [arn("Group", "GroupId")]}
    )
    assert told({}, Launcher=own) == []


def test_a_notebook_takes_its_interfaces_away_while_it_is_deleted() -> None:
    book = one(
        "AWS::SageMaker::NotebookInstance",
        RoleArn=arn("Runs"),
        SecurityGroupIds=[arn("Group", "GroupId")],
        InstanceType="ml.t3.medium",
    )
    assert told({}, Book=book) == []


def test_a_policy_that_names_the_group_is_told_to_do_so_no_more() -> None:
    both = {"ROLE": arn("Runs"), "GROUP": arn("Group", "GroupId")}
    limited = policy("Runs", allow("ec2:DeleteNetworkInterface", arn("Group", "GroupId")))
    resources = subnets() | {
        "Runs": role("sagemaker.amazonaws.com"),
        "Joins": limited,
        "Launcher": function(Environment={"Variables": both}),
    }
    ((name, said, _),) = found(resources, CHECK)
    assert name == "Group"
    assert "Take Group out of Joins" in said


def test_the_role_itself_may_hold_the_permission() -> None:
    both = {"ROLE": arn("Runs"), "GROUP": arn("Group", "GroupId")}
    inline = role("sagemaker.amazonaws.com", REMOVES)
    kept = depending(subnets()["Group"], "Runs")
    assert told(both, Runs=inline, Joins=policy("Runs", allow("s3:GetObject"))) == ["Group"]
    assert told(both, Runs=inline, Joins=policy("Runs", allow("s3:GetObject")), Group=kept) == []


def test_what_is_told_is_never_a_reason_to_break_off() -> None:
    for odd in ("[", "{}", "[1]", '[{"a": 1}, 2]', "[" * 5000, {"Ref": []}, [[{"a": None}]]):
        assert handed({"Odd": odd})
