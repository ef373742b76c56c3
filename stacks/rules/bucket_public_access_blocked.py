"""A bucket cannot be made public."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule, expect
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_on

_SETTINGS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for setting in _SETTINGS:
        yield from expect(
            resource.each(f"PublicAccessBlockConfiguration.{setting}"), is_on, "public access is not blocked"
        )


RULE = Rule(
    id="bucket-public-access-blocked",
    title="A bucket blocks public access in all four ways",
    why="No policy or access list that someone adds later can open the bucket to the internet.",
    fix="Set the four settings of PublicAccessBlockConfiguration to true.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    controls=("FSBP S3.2", "FSBP S3.3", "FSBP S3.8", "NIST AC-3", "NIST AC-4", "NIST AC-6", "NIST SC-7"),
    types=("AWS::S3::Bucket",),
    check=check,
    same_as=("S3BucketLevelPublicAccessProhibited",),
)
