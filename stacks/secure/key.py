"""The lab's encryption key."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.acceptance import accept
from stacks.secure.names import att, logical_id, placed, service, stack_of, sub

# What a service principal does with a key when it reads and writes encrypted data.
READ_AND_WRITE = ("kms:Decrypt", "kms:GenerateDataKey")

_SAME_ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


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
        placed(self, scope, id)
        stack = stack_of(self)
        given = stack.settings.key_arn
        self.arn: str = given or att(self, "Arn")
        self.sub_arn: str = given or f"${{{logical_id(self)}.Arn}}"
        self._statements: list[dict[str, Any]] = [
            {
                "Sid": "AccountAdministers",
                "Effect": "Allow",
                "Principal": {"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")},
                "Action": "kms:*",
                "Resource": "*",
            }
        ]
        if not given:
            stack.at_the_end(self._create)

    def on_trust(self, construct: Construct, *rules: str) -> None:
        """Where the key was given, accept that the template does not show its policy."""
        if stack_of(self).settings.key_arn:
            accept(
                construct,
                *rules,
                because="the key was given, and its policy is not in the template; the description of the setting key_arn "
                "says that it must name the services",
            )

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
        self._serve("Alarms", "cloudwatch.amazonaws.com", list(READ_AND_WRITE), _SAME_ACCOUNT)

    def serve_events(self) -> None:
        """EventBridge rules may send to queues encrypted with this key."""
        # Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        self._serve("Events", "events.amazonaws.com", list(READ_AND_WRITE), _SAME_ACCOUNT)

    def _serve(self, sid: str, principal: str, actions: list[str], condition: dict[str, Any]) -> None:
        statement = {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": principal},
            "Action": actions,
            "Resource": "*",  # in a key policy: this key
            "Condition": condition,
        }
        if statement not in self._statements:
            self._statements.append(statement)

    def _create(self) -> None:
        kms.CfnKey(
            self,
            "Default",
            description=f"Encrypts everything of {stack_of(self).name}",
            enable_key_rotation=True,
            pending_window_in_days=7,
            key_policy={"Version": "2012-10-17", "Statement": self._statements},
        )
