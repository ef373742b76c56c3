"""Log groups."""

from __future__ import annotations

from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.secure.key import Key
from stacks.secure.names import logical_id, placed


class LogGroup(logs.CfnLogGroup):
    """A log group encrypted with the lab's key that keeps a month of logs and goes with the stack.

    Args:
        key: the lab's key.
        name: for services that write to a group of a fixed name; default: CloudFormation chooses.
    """

    def __init__(self, scope: Construct, id: str, *, key: Key, name: str | None = None) -> None:
        key.serve_logs()
        super().__init__(scope, id, kms_key_id=key.arn, retention_in_days=30, log_group_name=name)
        placed(self, scope, id)
        key.on_trust(self, "deploy-key-lets-service")
        self.sub_arn = f"${{{logical_id(self)}.Arn}}"
