"""Logs are encrypted with the customer's key."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.keys import expect_key
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    return expect_key(resource.each("KmsKeyId"), template, "the log group has no customer-managed key")


RULE = Rule(
    id="log-group-encrypted",
    title="A log group is encrypted with a customer-managed key",
    why="Logs repeat parts of requests and data.",
    fix="Set KmsKeyId to the ARN of the lab's key, whose policy lets CloudWatch Logs use it.",
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
    controls=("NIST AU-9", "NIST SC-28", "NIST SC-28(1)"),
    types=("AWS::Logs::LogGroup",),
    check=check,
    same_as=("CloudWatchLogGroupEncrypted",),
)
