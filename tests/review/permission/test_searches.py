"""Ways to other permissions, ways out for data, and wide trust: found with the whole way, and not found where none is."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.review.provers.permission.climbing import Graph, climbing
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.permission.leaving import leaving, ways
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.trusting import trusted
from tests.review.permission.build import (
    BUCKET,
    SOURCE,
    Template,
    allow,
    att,
    bucket_policy,
    deny,
    document,
    resource,
    role,
    sub,
    template,
)

ROOT = {"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}
ADMIN = role(allow("*", "*"), service="ec2")
WORKER = role(allow("s3:GetObject", "*"), service="lambda")


def climbs(content: Template) -> dict[str, list[Finding]]:
    return grouped(content, lambda stack: climbing(stack, Graph(stack), None))


def leaves(content: Template) -> dict[str, list[Finding]]:
    return grouped(content, leaving)


def trusts(content: Template) -> dict[str, list[Finding]]:
    return grouped(content, trusted)


def grouped(content: Template, search: Any) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in search(Stack(content, region="us-east-1", partition="aws")):
        found.setdefault(one.logical_id, []).append(one)
    return found


def passing(service: str = "lambda", **more: Any) -> dict[str, Any]:
    return {"Condition": {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}} | more


@pytest.mark.parametrize(
    "action",
    ["iam:CreatePolicyVersion", "iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:*", "*",
     "iam:CreateAccessKey", "iam:AddUserToGroup", "iam:SetDefaultPolicyVersion"],
)  # fmt: skip
def test_whoever_writes_policies_has_every_permission(action: str) -> None:
    (first, *_) = climbs(template(A=role(allow(action, "*"))))["A"]
    assert (first.rule, first.status) == ("no-privilege-escalation", "open")
    assert first.evidence.startswith("A -> iam:") or first.evidence.startswith("A -> sso:")
    assert "A.Properties.Policies.0.PolicyDocument.Statement.0" in first.evidence
    assert "any permission in the account" in first.evidence


def test_whoever_cannot_has_no_way() -> None:
    content = template(
        A=role(allow("s3:GetObject", "*"), allow("iam:GetRole", "*")), B=role(allow("*", "*"), deny("*", "*"))
    )
    assert [(one.status, one.evidence) for found in climbs(content).values() for one in found] == [
        ("pass", "no way found")
    ] * 2


def test_a_role_that_is_passed_is_gained_with_all_that_it_can() -> None:
    a = role(allow("iam:PassRole", att("B")), allow("ec2:RunInstances", "*"))
    found = climbs(template(A=a, B=ADMIN))["A"]
    whole = [one for one in found if one.status == "open"]
    assert len(whole) == 1
    assert "A -> iam:PassRole to ec2.amazonaws.com" in whole[0].evidence
    assert "ec2:RunInstances" in whole[0].evidence
    assert "-> B -> iam:CreatePolicyVersion" in whole[0].evidence


def test_a_role_is_not_gained_by_a_service_that_it_does_not_trust_or_that_is_not_started() -> None:
    a = role(allow("iam:PassRole", att("B")), allow("lambda:CreateFunction", "*"))
    assert [one.status for one in climbs(template(A=a, B=ADMIN))["A"]] == ["pass"]
    idle = role(allow("iam:PassRole", att("B")))
    assert [one.status for one in climbs(template(A=idle, B=ADMIN))["A"]] == ["pass"]


def test_passing_is_bound_by_the_service_in_the_condition() -> None:
    a = role(allow("iam:PassRole", att("B"), **passing("glue")), allow(["lambda:CreateFunction"], "*"))
    assert [one.status for one in climbs(template(A=a, B=WORKER))["A"]] == ["pass"]
    a = role(allow("iam:PassRole", att("B"), **passing("lambda")), allow(["lambda:CreateFunction"], "*"))
    (one,) = climbs(template(A=a, B=WORKER))["A"]
    assert (one.status, one.level) == ("unknown", "warning")
    assert "a row of permissions.toml would tell" in one.evidence


@pytest.mark.parametrize("resource_", ["*", sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*")])
def test_passing_any_role_gains_every_permission(resource_: Any) -> None:
    a = role(allow("iam:PassRole", resource_), allow("sagemaker:CreateNotebookInstance", "*"))
    (one,) = climbs(template(A=a))["A"]
    assert one.status == "open"
    assert "sagemaker.amazonaws.com" in one.evidence


def test_passing_a_role_outside_the_template_gains_what_nobody_sees() -> None:
    outside = sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/deployer")
    a = role(allow("iam:PassRole", outside), allow("cloudformation:CreateStack", "*"))
    (one,) = climbs(template(A=a))["A"]
    assert one.status == "open"
    assert "role/deployer, which is not in the template" in one.evidence


@pytest.mark.parametrize(
    ("action", "used"),
    [
        ("lambda:UpdateFunctionCode", resource("AWS::Lambda::Function", Role=att("B"))),
        ("sagemaker:CreatePresignedNotebookInstanceUrl", resource("AWS::SageMaker::NotebookInstance", RoleArn=att("B"))),
        ("codebuild:StartBuild", resource("AWS::CodeBuild::Project", ServiceRole=att("B"))),
        ("states:UpdateStateMachine", resource("AWS::StepFunctions::StateMachine", RoleArn=att("B"))),
        (
            "sagemaker:CreatePresignedDomainUrl",
            resource("AWS::SageMaker::UserProfile", UserSettings={"ExecutionRole": att("B")}),
        ),
        ("ssm:StartSession", resource("AWS::EC2::Instance", IamInstanceProfile={"Ref": "Profile"})),
    ],
)  # fmt: skip
def test_whoever_changes_what_runs_has_its_role(action: str, used: dict[str, Any]) -> None:
    profile = resource("AWS::IAM::InstanceProfile", Roles=[{"Ref": "B"}])
    content = template(A=role(allow(action, "*")), B=ADMIN, Used=used, Profile=profile)
    found = [one for one in climbs(content)["A"] if one.status == "open"]
    assert any(f"{action} on Used" in one.evidence and "-> B -> iam:" in one.evidence for one in found)
    harmless = template(A=role(allow("lambda:GetFunction", "*")), B=ADMIN, Used=used, Profile=profile)
    assert [one.status for one in climbs(harmless)["A"]] == ["pass"]


def test_assuming_needs_both_sides() -> None:
    taker = role(allow("sts:AssumeRole", att("B")))
    shut = role(allow("*", "*"))
    assert [one.status for one in climbs(template(A=taker, B=shut))["A"]] == ["pass"]
    open_ = role(allow("*", "*"), trust=allow("sts:AssumeRole", Principal=ROOT))
    found = climbs(template(A=taker, B=open_))["A"]
    assert any(one.status == "open" and "A -> sts:AssumeRole" in one.evidence for one in found)
    anywhere = climbs(template(A=role(allow("sts:AssumeRole", "*"))))["A"]
    assert "every role that trusts the account" in anywhere[0].evidence


@pytest.mark.parametrize(
    ("trust", "more", "sure"),
    [
        (allow("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}), {}, None),
        (allow("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"} | ROOT), {}, True),
        (allow("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com", "AWS": att("A")}), {}, True),
        (allow("sts:AssumeRole", NotPrincipal={"Service": "lambda.amazonaws.com"}), {}, True),
        (allow("sts:AssumeRole", Principal={}), {}, False),
        (
            allow("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}),
            {"RoleName": "arn:aws:iam::999988887777:role/Theirs"},
            False,
        ),
    ],
    ids=["services", "account", "role", "others", "unread", "elsewhere"],
)
def test_a_role_of_this_account_that_trusts_services_alone_is_assumed_by_none(
    trust: dict[str, Any], more: dict[str, Any], sure: bool | None
) -> None:
    content = template(A=role(allow("sts:AssumeRole", "*")), B=role(trust=trust, **more))
    graph = Graph(Stack(content, region="us-east-1", partition="aws"))
    assert [edge.sure for edge in graph.edges["A"] if edge.end == "B"] == ([] if sure is None else [sure])


def test_ways_in_a_circle_end() -> None:
    trust = allow("sts:AssumeRole", Principal=ROOT)
    content = template(
        A=role(allow("sts:AssumeRole", att("B")), trust=trust), B=role(allow("sts:AssumeRole", att("A")), trust=trust)
    )
    assert {name: [one.status for one in found] for name, found in climbs(content).items()} == {
        "A": ["unknown"],
        "B": ["unknown"],
    }


def test_writing_to_a_bucket_outside_is_a_way_out() -> None:
    for target in ("*", "arn:aws:s3:::elsewhere/*", sub("arn:${AWS::Partition}:s3:::elsewhere/*")):
        (one,) = leaves(template(A=role(allow("s3:PutObject", target))))["A"]
        assert (one.rule, one.status) == ("no-exfiltration", "open")
        assert one.evidence.startswith("A -> s3:PutObject on")
    (unknown,) = leaves(template(A=role(allow("s3:PutObject", sub("arn:aws:s3:::${Name}/*")))))["A"]
    assert unknown.status == "unknown"


@pytest.mark.parametrize(
    "inside",
    [
        allow("s3:PutObject", sub("${Raw.Arn}/*")),
        allow("s3:PutObject", "*", Condition={"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}}),
        allow("s3:GetObject", "*"),
        allow("sqs:SendMessage", sub("arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:q")),
    ],
)
def test_writing_inside_is_none(inside: dict[str, Any]) -> None:
    assert [one.status for one in leaves(template(Raw=BUCKET, A=role(inside)))["A"]] == ["pass"]


@pytest.mark.parametrize("way", ways("opens"), ids=lambda way: way.action)
def test_changing_who_may_come_is_a_way_out(way: Any) -> None:
    (one,) = [one for one in leaves(template(A=role(allow(way.action, "*"))))["A"] if way.way in one.evidence]
    assert one.status == "open"
    assert f"A -> {way.action} (A.Properties.Policies.0.PolicyDocument.Statement.0)" in one.evidence
    refused = template(A=role(allow(way.action, "*"), deny(way.action, "*")))
    assert [one.status for one in leaves(refused)["A"]] == ["pass"]
    for key in way.bound:
        kind, value = ("Bool", "true") if key.endswith("AWSResource") else ("StringEquals", "x")
        bound = template(A=role(allow(way.action, "*", Condition={kind: {key: value}})))
        assert [one.status for one in leaves(bound)["A"]] == ["pass"], key


@pytest.mark.parametrize(
    ("principal", "condition", "status"),
    [
        ("*", {}, "open"),
        ({"AWS": "*"}, {}, "open"),
        ({"AWS": "arn:aws:iam::999999999999:root"}, {}, "open"),
        ({"AWS": "999999999999"}, {}, "open"),
        ({"AWS": {"Ref": "Account"}}, {}, "unknown"),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": "o-a"}}, "pass"),
        ("*", {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}, "pass"),
        ("*", {"StringLike": {"aws:PrincipalAccount": "*"}}, "open"),
        ("*", {"StringEquals": {"aws:SourceVpce": "vpce-1"}}, "pass"),
        ("*", {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, "open"),
        ("*", {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a"}}, "pass"),
        ("*", {"Bool": {"aws:SecureTransport": "true"}}, "open"),
        (ROOT, {}, "pass"),
        ({"AWS": att("A")}, {}, "pass"),
    ],
)
def test_a_policy_for_strangers_is_a_way_out(principal: Any, condition: Any, status: str) -> None:
    statement = allow("s3:GetObject", sub("${Raw.Arn}/*"), Principal=principal, Condition=condition)
    content = template(Raw=BUCKET, A=role(), Policy=bucket_policy("Raw", statement))
    assert [one.status for one in leaves(content)["Raw"]] == [status]


def test_an_endpoint_that_lets_everything_through_is_a_way_out() -> None:
    default = resource("AWS::EC2::VPCEndpoint")
    assert {one.status for one in leaves(template(Gate=default))["Gate"]} == {"open"}
    narrow = resource(
        "AWS::EC2::VPCEndpoint",
        PolicyDocument=document(allow("s3:PutObject", sub("${Raw.Arn}/*"), Principal="*")),
    )
    assert [one.status for one in leaves(template(Raw=BUCKET, Gate=narrow))["Gate"]] == ["pass"]


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        (allow("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}, Condition=SOURCE), "pass"),
        (allow("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}), "open"),
        (
            allow(
                "sts:AssumeRole",
                Principal={"Service": "lambda.amazonaws.com"},
                Condition={"StringLike": {"aws:SourceAccount": "*"}},
            ),
            "open",
        ),
        (
            allow(
                "sts:AssumeRole",
                Principal={"Service": "scheduler.amazonaws.com"},
                Condition={"ArnLike": {"aws:SourceArn": sub("arn:aws:scheduler:*:${AWS::AccountId}:*")}},
            ),
            "pass",
        ),
        (
            allow(
                "sts:AssumeRole",
                Principal={"Service": "scheduler.amazonaws.com"},
                Condition={"ArnLike": {"aws:SourceArn": "arn:aws:scheduler:*:*:schedule/*"}},
            ),
            "open",
        ),
        (allow("sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"}), "pass"),
        (allow("sts:AssumeRole", Principal="*"), "open"),
        (allow("sts:AssumeRole", Principal=ROOT), "pass"),
        (allow("sts:AssumeRole", Principal={"AWS": "arn:aws:iam::999999999999:root"}), "open"),
        (
            allow(
                "sts:AssumeRole",
                Principal={"AWS": "arn:aws:iam::999999999999:root"},
                Condition={"StringEquals": {"sts:ExternalId": "agreed"}},
            ),
            "pass",
        ),
        (allow("sts:AssumeRole", Principal={"AWS": {"Ref": "Trusted"}}), "unknown"),
        ({"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::1:root"}, "Action": "sts:AssumeRole"}, "open"),
        (
            allow("sts:AssumeRoleWithWebIdentity", Principal={"Federated": "token.actions.githubusercontent.com"}),
            "open",
        ),
        (
            allow(
                "sts:AssumeRoleWithWebIdentity",
                Principal={"Federated": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"},
                Condition={
                    "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
                    "StringLike": {"token.actions.githubusercontent.com:sub": "repo:me/mine:*"},
                },
            ),
            "pass",
        ),
    ],
)
def test_trust_is_narrow_or_named(statement: dict[str, Any], status: str) -> None:
    found = trusts(template(Role=role(trust=statement)))["Role"]
    assert [(one.rule, one.status) for one in found] == [("trust-narrow", status)]


def test_a_resource_that_a_service_uses_for_anybody_is_named() -> None:
    wide = resource(
        "AWS::Lambda::Permission",
        FunctionName={"Ref": "F"},
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )
    content = template(F=resource("AWS::Lambda::Function"), P=wide)
    (one,) = trusts(content)["F"]
    assert one.status == "open"
    assert "s3.amazonaws.com may use it on behalf of any account" in one.evidence
    wide["Properties"]["SourceAccount"] = {"Ref": "AWS::AccountId"}
    assert [one.status for one in trusts(content)["F"]] == ["pass"]
