"""Broken and hostile templates are answered by an unknown with a reason, never by an exception or a certainty."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.review.provers.permission import decide
from labkit.review.provers.permission.climbing import Graph, climbing
from labkit.review.provers.permission.leaving import leaving
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.trusting import trusted
from tests.review.permission.build import BUCKET, allow, document, resource, role, template


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"Fn::If": ["C", value, {"Fn::Join": ["", [value]]}]} if depth < 12 else {"Fn::Join": ["", [value]]}
    return value


BROKEN_POLICIES: dict[str, Any] = {
    "a statement that is a text": document("Allow everything"),
    "a statement that is a number": document(7),
    "statements that are nothing": {"Statement": None},
    "a document that is a list": [1, 2],
    "a document that is no JSON": "{",
    "an import": {"Fn::ImportValue": "policy"},
    "an effect nobody knows": document({"Effect": "Perhaps", "Action": "*", "Resource": "*"}),
    "an effect that is a parameter": document({"Effect": {"Ref": "P"}, "Action": "*", "Resource": "*"}),
    "no action": document({"Effect": "Allow", "Resource": "*"}),
    "both kinds of action": document({"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}),
    "a condition that is a list": document(allow("s3:*", "*", Condition=[1])),
    "an operator without keys": document(allow("s3:*", "*", Condition={"StringEquals": "x"})),
    "an operator nobody knows": document(allow("s3:*", "*", Condition={"StringSounds": {"aws:a": "b"}})),
    "actions that are an import": document(allow({"Fn::ImportValue": "x"}, "*")),
    "a resource nested deeply": document(allow("s3:*", nested(400))),
}


@pytest.mark.parametrize("policy", BROKEN_POLICIES.values(), ids=BROKEN_POLICIES.keys())
def test_a_policy_that_cannot_be_read_may_allow_or_deny(policy: Any) -> None:
    broken = role(Policies=[{"PolicyName": "p", "PolicyDocument": policy}])
    decision = decide(template(Raw=BUCKET, Role=broken), principal="Role", action="s3:GetObject", resource="Raw/x")
    assert decision.outcome == "unknown"
    assert decision.reason


@pytest.mark.parametrize("policy", BROKEN_POLICIES.values(), ids=BROKEN_POLICIES.keys())
def test_the_searches_run_on_it_too(policy: Any) -> None:
    inline = role(Policies=[{"PolicyName": "p", "PolicyDocument": policy}], AssumeRolePolicyDocument=policy)
    key = resource("AWS::KMS::Key", KeyPolicy=policy)
    endpoint = resource("AWS::EC2::VPCEndpoint", PolicyDocument=policy)
    stack = Stack(template(Role=inline, Key=key, Endpoint=endpoint))
    found = [*climbing(stack, Graph(stack), None), *leaving(stack), *trusted(stack)]
    assert {one.logical_id for one in found} == {"Role", "Key", "Endpoint"}


TEMPLATES: list[Any] = [
    None,
    [],
    "text",
    {},
    {"Resources": []},
    {"Resources": {"Role": None, "Raw": 3}},
    {"Resources": {"Role": {"Type": ["x"]}}},
    {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": "x"}}},
    {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": 7, "ManagedPolicyArns": {"a": 1}}}}},
    {"Resources": {"P": {"Type": "AWS::IAM::Policy", "Properties": {"Roles": {"Ref": "P"}}}}},
]


@pytest.mark.parametrize("content", TEMPLATES, ids=range(len(TEMPLATES)))
def test_what_is_no_template_is_answered(content: Any) -> None:
    decision = decide(content, principal="Role", action="s3:GetObject", resource="Raw/x")
    assert decision.outcome in ("unknown", "deny")
    assert not decision.allowed
    stack = Stack(content)
    assert all(one.evidence for one in [*climbing(stack, Graph(stack), None), *leaving(stack), *trusted(stack)])


def test_names_that_refer_to_each_other_end() -> None:
    content = template(
        A=resource("AWS::S3::Bucket", BucketName={"Ref": "B"}),
        B=resource("AWS::S3::Bucket", BucketName={"Fn::Sub": "${A}"}),
        Role=role(allow("s3:GetObject", {"Fn::Sub": "${A.Arn}/*"})),
    )
    assert decide(content, principal="Role", action="s3:PutObject", resource="A/x").denied
    assert not decide(content, principal="Role", action="s3:GetObject", resource="C/x").allowed


def test_a_very_long_policy_is_read_or_refused() -> None:
    content = template(Raw=BUCKET, Role=role(*[allow(f"s3:Get{n}", "*") for n in range(2500)]))
    decision = decide(content, principal="Role", action="s3:PutObject", resource="Raw/x")
    assert decision.outcome == "unknown"
    assert "more than are read" in decision.reason
