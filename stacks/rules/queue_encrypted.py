"""Messages of a queue are encrypted with the customer's key."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.keys import expect_key
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    return expect_key(resource.each("KmsMasterKeyId"), template, "the queue has no customer-managed key")


RULE = Rule(
    id="queue-encrypted",
    title="A queue is encrypted with a customer-managed key",
    why="Messages wait on disk until they are read; dead letters wait for days.",
    fix="Set KmsMasterKeyId to the lab's key.",
    source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html",
    controls=("FSBP SQS.1", "NIST SC-28", "NIST SC-28(1)", "NIST SC-13"),
    types=("AWS::SQS::Queue",),
    check=check,
)
