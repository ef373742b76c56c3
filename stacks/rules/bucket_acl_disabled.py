"""A bucket is ruled by policies alone."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function

_OWNERSHIP = "OwnershipControls.Rules"


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, value in resource.each("AccessControl"):
        if value not in (None, "Private", "LogDeliveryWrite"):
            yield Problem(path, value, "an access list opens the bucket", undecided=is_function(value))
    # Without ownership controls S3 ignores access lists: they are off in every new bucket.
    for path, value in resource.each(f"{_OWNERSHIP}.*.ObjectOwnership"):
        if value != "BucketOwnerEnforced":
            yield Problem(path, value, "access lists are on", undecided=is_function(value))


RULE = Rule(
    id="bucket-acl-disabled",
    title="A bucket takes no access lists",
    why="An access list opens single objects past the bucket's policy, and leaves objects in others' hands.",
    fix="Leave AccessControl out and set ObjectOwnership to BucketOwnerEnforced.",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-12",
    controls=("FSBP S3.12", "NIST AC-3", "NIST AC-3(15)", "NIST AC-6"),
    types=("AWS::S3::Bucket",),
    check=check,
)
