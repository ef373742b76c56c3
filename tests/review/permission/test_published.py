"""The evaluator agrees with what AWS publishes about the evaluation of policies: cases in own words, each with its page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.review.provers.permission import decide
from labkit.review.provers.permission.conditions import conditions
from labkit.review.provers.permission.context import Context
from labkit.review.provers.permission.matching import Match
from labkit.review.provers.permission.names import Names
from labkit.review.provers.permission.statements import read

CASES: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "published.json").read_text())
TRUST = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]


def document(statements: list[Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": statements}


def template(policies: dict[str, Any]) -> dict[str, Any]:
    """One role, one user, another role, a bucket, a key, a function and an endpoint with the case's policies."""
    version = policies.get("version", "2012-10-17")
    identity = [{"PolicyName": "p", "PolicyDocument": document(policies.get("identity", []), version)}]
    role: dict[str, Any] = {
        "RoleName": "role",
        "AssumeRolePolicyDocument": document(policies.get("trust", TRUST)),
        "Policies": identity,
    }
    resources: dict[str, Any] = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "User": {"Type": "AWS::IAM::User", "Properties": {"UserName": "ana", "Policies": identity}},
        "Other": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "other",
                "AssumeRolePolicyDocument": document(policies.get("trust_other", TRUST)),
            },
        },
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "bucket"}},
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": document(policies.get("key", []))}},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": {}},
    }
    if "boundary" in policies:
        role["PermissionsBoundary"] = {"Ref": "Boundary"}
        properties = {"PolicyDocument": document(policies["boundary"])}
        resources["Boundary"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}
    if "bucket" in policies:
        properties = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": document(policies["bucket"])}
        resources["BucketPolicy"] = {"Type": "AWS::S3::BucketPolicy", "Properties": properties}
    if "permission" in policies:
        properties = {"FunctionName": {"Ref": "Function"}, **policies["permission"]}
        resources["Permission"] = {"Type": "AWS::Lambda::Permission", "Properties": properties}
    if "endpoint" in policies:
        properties = {"PolicyDocument": document(policies["endpoint"])}
        resources["Endpoint"] = {"Type": "AWS::EC2::VPCEndpoint", "Properties": properties}
    return {"Resources": resources}


@pytest.mark.parametrize("case", CASES["conditions"], ids=lambda case: case["says"])
def test_conditions_hold_as_published(case: dict[str, Any]) -> None:
    body = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": case["condition"]}
    (statement,) = read(Names({}), document([body]), logical_id="Policy", path="").statements
    held, _ = conditions(statement, Context.of(case["context"], complete=True))
    assert held is (Match.YES if case["holds"] else Match.NO), case["source"]


@pytest.mark.parametrize("case", CASES["requests"], ids=lambda case: case["says"])
def test_requests_are_decided_as_published(case: dict[str, Any]) -> None:
    policies = case["policies"]
    decision = decide(
        template(policies),
        principal=case["who"],
        action=case["action"],
        resource=case["resource"],
        context=case["context"],
        complete=True,
        region="us-east-1",
        partition="aws",
        account="123456789012",
        session=document(policies["session"]) if "session" in policies else None,
        service_control=[document(policies["scp"])] if "scp" in policies else [],
        resource_control=[document(policies["rcp"])] if "rcp" in policies else [],
        through="Endpoint" if "endpoint" in policies else "",
    )
    assert decision.outcome == case["outcome"], f"{decision} ({case['source']})"


def test_there_are_enough_cases_each_with_its_page_and_both_answers() -> None:
    cases = [*CASES["conditions"], *CASES["requests"]]
    assert len(cases) >= 150
    assert {case["source"].split("/")[2] for case in cases} == {"docs.aws.amazon.com"}
    assert len({case["says"] for case in CASES["requests"]}) == len(CASES["requests"])
    assert len({case["says"] for case in CASES["conditions"]}) == len(CASES["conditions"])
    assert {case["holds"] for case in CASES["conditions"]} == {True, False}
    assert {case["outcome"] for case in CASES["requests"]} == {"allow", "deny", "unknown"}
