"""A queue refuses callers without TLS."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.transport import expect_tls


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for action in ("sqs:SendMessage", "sqs:ReceiveMessage"):
        yield from expect_tls(resource, template, policy="AWS::SQS::QueuePolicy", subject="Queues.*", action=action)


RULE = Rule(
    id="queue-tls-only",
    title="A queue refuses callers without TLS",
    why="A message over plain HTTP can be read and changed on its way.",
    fix="Attach a queue policy that denies sqs:* to everyone if aws:SecureTransport is false.",
    source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html",
    controls=("NIST SC-8", "NIST SC-8(1)"),
    types=("AWS::SQS::Queue",),
    check=check,
)
