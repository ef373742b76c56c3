"""A topic refuses messages that come without TLS."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.transport import expect_tls


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    return expect_tls(resource, template, policy="AWS::SNS::TopicPolicy", subject="Topics.*", action="sns:Publish")


RULE = Rule(
    id="topic-tls-only",
    title="A topic refuses messages without TLS",
    why="A message over plain HTTP can be read and changed on its way.",
    fix="Attach a topic policy that denies sns:Publish to everyone if aws:SecureTransport is false.",
    source="https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html",
    controls=("NIST SC-8", "NIST SC-8(1)"),
    types=("AWS::SNS::Topic",),
    check=check,
)
