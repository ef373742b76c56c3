"""Findings are accepted exactly, beside their cause, and every pack is really on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from stacks.acceptance import accept, acceptances
from stacks.lab_stack import LabStack

REASON = "the bucket of this test holds nothing and lives for the length of one test"
RULE = "AwsSolutions-S1"


def careless(stack: LabStack) -> None:
    """What each pack must find: a bare bucket, an inline policy, an old runtime, a VPC without flow logs."""
    s3.CfnBucket(stack, "Bare")
    role = iam.CfnRole(stack, "Role", assume_role_policy_document={"Version": "2012-10-17", "Statement": []})
    iam.CfnPolicy(
        stack, "Inline", policy_name="inline", roles=[role.ref],
        policy_document={"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]},
    )  # fmt: skip
    lambda_.CfnFunction(
        stack, "Old", role=role.attr_arn, runtime="python3.9", handler="a.b",
        code=lambda_.CfnFunction.CodeProperty(zip_file="def b(e, c): pass"),
    )  # fmt: skip
    ec2.CfnVPC(stack, "Vpc", cidr_block="10.0.0.0/16")


def test_a_planted_violation_is_found_by_each_pack(synthesize_stacks: Callable[..., Any]) -> None:
    found = synthesize_stacks(careless).found("violations")
    assert {pack for pack, _, _ in found} == {
        "AwsSolutions", "HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321", "Serverless",
    }  # fmt: skip


def test_an_accepted_finding_stays_in_the_report_with_its_reason(synthesize_stacks: Callable[..., Any]) -> None:
    def build(stack: LabStack) -> None:
        accept(s3.CfnBucket(stack, "Bare"), RULE, because=REASON)

    result = synthesize_stacks(build)
    accepted = [v for p in result.reports for v in p.get("suppressedViolations", []) if v["ruleName"] == RULE]
    assert [v["reason"] for v in accepted] == [REASON]
    assert RULE not in {rule for _, rule, _ in result.found("violations")}


def test_an_acceptance_reaches_neither_a_sibling_nor_another_stack(synthesize_stacks: Callable[..., Any]) -> None:
    def accepting(stack: LabStack) -> None:
        accept(s3.CfnBucket(stack, "Bare"), RULE, because=REASON)
        s3.CfnBucket(stack, "Sibling")

    def other(stack: LabStack) -> None:
        s3.CfnBucket(stack, "Bare")

    open_ = {path for _, rule, path in synthesize_stacks(accepting, other).found("violations") if rule == RULE}
    assert open_ == {"Lab-d3-test-1/Sibling", "Lab-d3-test-2/Bare"}


def test_a_general_name_stands_for_the_rule_in_each_pack_that_has_it(synthesize_stacks: Callable[..., Any]) -> None:
    def build(stack: LabStack) -> None:
        accept(s3.CfnBucket(stack, "Bare"), "S3BucketReplicationEnabled", because=REASON)

    result = synthesize_stacks(build)
    assert {record.engine for record in acceptances(result.stacks[0]) if "Replication" in record.rule} == {
        "HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321",
    }  # fmt: skip
    assert not [rule for _, rule, _ in result.found("violations") if "Replication" in rule]


def test_two_causes_of_one_finding_keep_both_reasons(synthesize_stacks: Callable[..., Any]) -> None:
    def build(stack: LabStack) -> None:
        bucket = s3.CfnBucket(stack, "Bare")
        accept(bucket, RULE, because=REASON)
        accept(bucket, RULE, because="a second and different reason, told in a whole sentence")

    (record,) = [r for r in acceptances(synthesize_stacks(build).stacks[0]) if r.rule == RULE]
    assert REASON in record.because
    assert "second and different" in record.because


@pytest.mark.parametrize(
    ("rule", "changes", "told"),
    [
        (RULE, {"because": "demo"}, "because must say why"),
        (RULE, {"because": "this is only a sample bucket and nobody will ever read it"}, "because must say why"),
        (RULE, {"kind": "whatever"}, "kind must be one of"),
        (RULE, {"review_by": "soon"}, "soon"),
        ("AwsSolutions-S99", {}, "no pack of cdk-nag has that rule"),
        ("NoSuchRule", {}, "no pack of cdk-nag has that rule"),
        ("AwsSolutions-*", {}, "no pack of cdk-nag has that rule"),
    ],
)
def test_a_vague_acceptance_is_refused(rule: str, changes: dict[str, Any], told: str) -> None:
    bucket = s3.CfnBucket(cdk.Stack(cdk.App(), "S"), "Bucket")
    with pytest.raises(ValueError, match=told):
        accept(bucket, rule, **{"because": REASON, **changes})


def test_a_whole_stack_cannot_be_accepted() -> None:
    with pytest.raises(ValueError, match="not a stack or an app"):
        accept(cdk.Stack(cdk.App(), "S"), RULE, because=REASON)
