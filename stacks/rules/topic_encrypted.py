"""Messages of a topic are encrypted with the customer's key."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.keys import expect_key
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    return expect_key(resource.each("KmsMasterKeyId"), template, "the topic has no customer-managed key")


RULE = Rule(
    id="topic-encrypted",
    title="A topic is encrypted with a customer-managed key",
    why="Messages wait on disk until they are delivered. AWS's own key for SNS shuts alarms and rules out.",
    fix="Set KmsMasterKeyId to the lab's key.",
    source="https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html",
    controls=("SecurityHub SNS.1", "NIST SC-28", "NIST SC-28(1)", "NIST SC-13"),
    types=("AWS::SNS::Topic",),
    check=check,
    same_as=("SNSEncryptedKMS",),
)
