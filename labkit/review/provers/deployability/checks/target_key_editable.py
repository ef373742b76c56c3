"""A queue or topic that a service sends to is not encrypted with a key that AWS manages."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.deliveries import deliveries
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

# Scheduler and Pipes send with a role, which an AWS managed key does let in for the account's own principals.
TYPES = tuple(by_type("deliveries", "delivery"))


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for sent in deliveries(resource, view):
        if sent.target.type in ("AWS::SNS::Topic", "AWS::SQS::Queue"):
            for _, value in sent.target.each("KmsMasterKeyId"):
                if view.keys.kind(value) == "aws":
                    yield Fault(
                        f"{sent.path}: {sent.target.logical_id}.KmsMasterKeyId",
                        value,
                        f"{sent.principal} can never use this key, so nothing arrives in {sent.target.logical_id}",
                    )


CHECK = Check(
    id="deploy-target-key-editable",
    title="A queue or topic that a service sends to has no AWS managed key",
    phase="first-use",
    why="The policies of alias/aws/sqs and alias/aws/sns cannot be edited, so no service principal is ever let in.",
    fix="Use a customer-managed key that lets the service in, or for a queue SqsManagedSseEnabled.",
    error="(no error; FailedInvocations or NumberOfNotificationsFailed grows, the message never arrives)",
    sources=(
        "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
        "https://github.com/aws/aws-cdk/issues/30549",
        "https://github.com/aws-solutions/quota-monitor-for-aws/issues/38",
    ),
    covers=("DF-003",),
    types=TYPES,
    look=look,
)
