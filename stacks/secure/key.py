"""The lab's encryption key."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.secure.names import logical_id, service, sub

# What a service principal does with a key when it reads and writes encrypted data.
READ_AND_WRITE = ("kms:Decrypt", "kms:GenerateDataKey")


class Key(Construct):
    """A rotating customer-managed key whose policy names exactly the services that use it.

    Nouns that need the key call the ``serve_*`` verbs; the policy grows with the stack. Roles get their permission
    from their own policies, since the first statement lets the account's administrators delegate.
    With the setting ``key_arn`` no key is created and the given one is used: its policy must already hold what
    the ``serve_*`` verbs would add.

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        given = getattr(cdk.Stack.of(self), "settings").key_arn  # noqa: B009 - LabStack sets it
        self._statements: list[dict[str, Any]] = [
            {
                "Sid": "AccountAdministers",
                "Effect": "Allow",
                "Principal": {"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")},
                "Action": "kms:*",
                "Resource": "*",
            }
        ]
        self._key: kms.CfnKey | None = None
        if given:
            self.arn: str = given
            self.sub_arn: str = given
            return
        self._key = kms.CfnKey(
            self,
            "Default",
            description=f"Encrypts everything of {cdk.Stack.of(self).stack_name}",
            enable_key_rotation=True,
            pending_window_in_days=7,
            key_policy=self._policy(),
        )
        self.arn = self._key.attr_arn
        self.sub_arn = f"${{{logical_id(self._key)}.Arn}}"

    def serve_logs(self) -> None:
        """CloudWatch Logs may encrypt the log groups of this account and region."""
        self._serve(
            "Logs",
            service("logs", self),
            ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey",
             "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"],
            # Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
            {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": sub(
                        "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*"
                    )
                }
            },
        )  # fmt: skip

    def serve_alarms(self) -> None:
        """CloudWatch alarms may publish to topics encrypted with this key."""
        # Source: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        self._serve("Alarms", "cloudwatch.amazonaws.com", list(READ_AND_WRITE), self._same_account())

    def serve_events(self) -> None:
        """EventBridge rules may send to topics and queues encrypted with this key."""
        self._serve("Events", "events.amazonaws.com", list(READ_AND_WRITE), self._same_account())

    def serve_topics(self) -> None:
        """SNS may deliver to queues encrypted with this key."""
        self._serve("Topics", "sns.amazonaws.com", list(READ_AND_WRITE), self._same_account())

    @staticmethod
    def _same_account() -> dict[str, Any]:
        return {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    def _serve(self, sid: str, principal: str, actions: list[str], condition: dict[str, Any]) -> None:
        statement = {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": principal},
            "Action": actions,
            "Resource": "*",  # in a key policy: this key
            "Condition": condition,
        }
        if self._key is not None and statement not in self._statements:
            self._statements.append(statement)
            self._key.key_policy = self._policy()

    def _policy(self) -> dict[str, Any]:
        return {"Version": "2012-10-17", "Statement": self._statements}
