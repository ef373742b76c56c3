"""Requests to a bucket are logged."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.buckets import receives_access_logs
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if receives_access_logs(resource, template):
        return  # A bucket that logged into itself would log its own log deliveries without end.
    for path, value in resource.each("LoggingConfiguration.DestinationBucketName"):
        if value is None:
            yield Problem(path, value, "requests to the bucket leave no record")


RULE = Rule(
    id="bucket-access-logged",
    title="A bucket logs its requests, unless it receives such logs itself",
    why="The log shows who read or changed which object.",
    fix="Set LoggingConfiguration.DestinationBucketName to a bucket for access logs.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",
    controls=("FSBP S3.9", "NIST AU-2", "NIST AU-3", "NIST AU-12", "NIST AC-6(9)"),
    types=("AWS::S3::Bucket",),
    check=check,
    same_as=("S3BucketLoggingEnabled",),
)
