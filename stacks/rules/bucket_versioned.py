"""A bucket keeps what was overwritten or deleted."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule, expect
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    return expect(
        resource.each("VersioningConfiguration.Status"), lambda value: value == "Enabled", "versioning is not on"
    )


RULE = Rule(
    id="bucket-versioned",
    title="A bucket keeps old versions of its objects",
    why="Overwritten or deleted training data and models can be brought back, and a model traced to its data.",
    fix="Set VersioningConfiguration.Status to Enabled.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
    controls=("SecurityHub S3.14", "NIST CP-9", "NIST CP-10", "NIST AU-9(2)", "NIST SI-12"),
    types=("AWS::S3::Bucket",),
    check=check,
    same_as=("S3BucketVersioningEnabled",),
)
