"""A bucket refuses requests without TLS."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.policy import policies_on
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    name = resource.logical_id
    refused: set[str] = set()
    for _, statement in policies_on(template, "AWS::S3::BucketPolicy", "Bucket", resource):
        insecure = any(
            operator == "Bool" and "false" in given
            for operator, given in statement.conditions_on("aws:SecureTransport")
        )
        # Any other condition in the statement would let some insecure requests pass.
        alone = sum(len(tested) for tested in statement.condition.values()) == 1
        if not statement.allows and statement.for_anyone and insecure and alone and "s3:*" in statement.actions:
            refused.update(statement.resources)
    whole = {f"${{{name}.Arn}}", f"arn:${{AWS::Partition}}:s3:::${{{name}}}"}
    for suffix, what in (("", "the bucket itself"), ("/*", "its objects")):
        if not refused & {f"{arn}{suffix}" for arn in whole}:
            yield Problem("BucketPolicy", None, f"no statement denies s3:* on {what} without aws:SecureTransport")


RULE = Rule(
    id="bucket-tls-only",
    title="A bucket refuses requests without TLS",
    why="A request over plain HTTP shows its content and its session token to the network.",
    fix="Attach a bucket policy that denies s3:* to everyone, on the bucket and its objects, if aws:SecureTransport is "
    "false.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    controls=("FSBP S3.5", "NIST SC-8", "NIST SC-8(1)", "NIST SC-13"),
    types=("AWS::S3::Bucket",),
    check=check,
    same_as=("S3BucketSSLRequestsOnly",),
)
