"""Queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.acceptance import accept
from stacks.secure.key import Key
from stacks.secure.names import att, logical_id, placed, ref, stack_of, sub

_TWO_WEEKS = 14 * 24 * 3600
_TRIES = 3


class Queue(sqs.CfnQueue):
    """A queue encrypted with the lab's key that only TLS callers use, and that keeps a message for two weeks.

    Args:
        key: the lab's key.
        undelivered: receives a message after three failed receives; default: none, for a queue of dead letters itself.
    """

    def __init__(self, scope: Construct, id: str, *, key: Key, undelivered: Queue | None = None) -> None:
        super().__init__(
            scope,
            id,
            kms_master_key_id=key.arn,
            message_retention_period=_TWO_WEEKS,
            visibility_timeout=60,
            redrive_policy={"deadLetterTargetArn": undelivered.arn_, "maxReceiveCount": _TRIES}
            if undelivered
            else None,
        )
        placed(self, scope, id)
        self.key = key
        self.arn_: str = att(self, "Arn")
        self.sub_arn = f"${{{logical_id(self)}.Arn}}"
        self._rules: list[events.CfnRule] = []
        stack_of(self).at_the_end(self._only_tls)
        if undelivered is None:
            accept(
                self,
                "Serverless-SQSRedrivePolicy",
                because="this queue is where others send what they could not deliver; a person or a program reads it "
                "within two weeks, and an alarm tells when there is something to read",
                kind="compensated",
            )

    def serve_rules(self, *rules: events.CfnRule) -> None:
        """Let EventBridge rules send here, as their target or as the place of what their target did not take."""
        self.key.serve_events()
        self._rules.extend(rules)
        for rule in rules:
            self.key.on_trust(rule, "deploy-target-key-lets-sender")

    def _only_tls(self) -> None:
        statements: list[dict[str, Any]] = [
            {
                "Sid": "OnlyTls",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "sqs:*",
                "Resource": self.arn_,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]
        if self._rules:
            statements.append(
                {
                    "Sid": "Rules",
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": self.arn_,
                    "Condition": {"ArnEquals": {"aws:SourceArn": _arns(self._rules)}},
                }
            )
        sqs.CfnQueuePolicy(
            self, "Policy", queues=[ref(self)], policy_document={"Version": "2012-10-17", "Statement": statements}
        )


def _arns(rules: Sequence[events.CfnRule]) -> list[dict[str, str]]:
    return [sub(f"${{{logical_id(rule)}.Arn}}") for rule in rules]
