"""Topics."""

from __future__ import annotations

from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.secure.key import Key
from stacks.secure.names import placed, ref


class AlarmTopic(sns.CfnTopic):
    """A topic encrypted with the lab's key, to which only this account's alarms publish, only over TLS."""

    def __init__(self, scope: Construct, id: str, *, key: Key) -> None:
        key.serve_alarms()
        super().__init__(scope, id, kms_master_key_id=key.arn)
        placed(self, scope, id)
        sns.CfnTopicPolicy(
            self,
            "Policy",
            topics=[ref(self)],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "Alarms",
                        "Effect": "Allow",
                        "Principal": {"Service": "cloudwatch.amazonaws.com"},
                        "Action": "sns:Publish",
                        "Resource": ref(self),
                        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                    },
                    {
                        "Sid": "OnlyTls",
                        "Effect": "Deny",
                        "Principal": {"AWS": "*"},
                        "Action": "sns:Publish",
                        "Resource": ref(self),
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                ],
            },
        )
