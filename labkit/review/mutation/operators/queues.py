"""Makes topics and queues less private or lets them lose messages."""

from __future__ import annotations

from labkit.review.mutation.kit.operator import Operator, adds, drops, removes, sets

OPERATORS: tuple[Operator, ...] = (
    removes("drop-topic-policy", "A topic without a policy", "security", "AWS::SNS::TopicPolicy"),
    removes("drop-queue-policy", "A queue without a policy", "security", "AWS::SQS::QueuePolicy"),
    drops(
        "drop-redrive", "A queue whose failed messages are lost", "security", "AWS::SQS::Queue Properties.RedrivePolicy"
    ),
    sets(
        "visibility-short",
        "A queue that hands a message out again while it is worked on",
        "deployment",
        "AWS::SQS::Queue Properties.VisibilityTimeout",
        to=50000,
    ),
    adds(
        "subscription-of-stranger",
        "A topic that sends to an address outside",
        "security",
        "AWS::SNS::Topic",
        to=lambda one: {**one, "Subscription": [{"Protocol": "http", "Endpoint": "http://elsewhere.example"}]},
    ),
)
