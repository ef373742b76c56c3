"""Functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.acceptance import accept
from stacks.secure.archive import Archive
from stacks.secure.key import Key
from stacks.secure.log_group import LogGroup
from stacks.secure.names import logical_id, placed, ref, sub
from stacks.secure.role import Role

if TYPE_CHECKING:
    from stacks.secure.network import Network
    from stacks.secure.queue import Queue

RUNTIME = "python3.14"


class Function(lambda_.CfnFunction):
    """A Python function with its own role, its own encrypted log group, and variables encrypted with the lab's key.

    Args:
        code: file or folder; a file is packed alone.
        handler: ``module.function``.
        key: the lab's key.
        network: where it runs; default: outside any VPC.
        environment: variables; never secrets.
        timeout: seconds, 1 to 900.
        memory: MiB, 128 to 10240.
        undelivered: receives events that the function failed on, for callers that do not wait; default: callers wait.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        code: Path,
        handler: str,
        key: Key,
        network: Network | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: int = 30,
        memory: int = 256,
        undelivered: Queue | None = None,
    ) -> None:
        parts = Construct(scope, f"{id}Parts")
        placed(parts, scope, f"{id}Parts")
        logs = LogGroup(parts, "Logs", key=key)
        role = Role(parts, "Role", service="lambda")
        role.can_log(logs)
        role.can_decrypt(key)
        role.allow(
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
            on="*",
            because="X-Ray has no resource-level permission for writing traces; a trace holds timings, no payload",
        )
        if network is not None:
            role.can_join(network, as_service="lambda")
        archive = Archive(parts, "Code", kind="zip", sources={code: ""})
        super().__init__(
            scope,
            id,
            runtime=RUNTIME,
            handler=handler,
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=archive.bucket_name_, s3_key=archive.key),
            role=role.arn_,
            timeout=timeout,
            memory_size=memory,
            kms_key_arn=key.arn,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(environment)) if environment else None,
            tracing_config=lambda_.CfnFunction.TracingConfigProperty(mode="Active"),
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=ref(logs), log_format="JSON"),
            vpc_config=lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=network.subnet_ids, security_group_ids=[network.workload_group_id]
            )
            if network is not None
            else None,
            dead_letter_config=lambda_.CfnFunction.DeadLetterConfigProperty(target_arn=undelivered.arn_)
            if undelivered is not None
            else None,
        )
        placed(self, scope, id)
        self.role_ = role
        self.sub_arn = f"${{{logical_id(self)}.Arn}}"
        role.ready(self)
        accept(
            self,
            "LambdaConcurrency",
            because="a new account may run 10 functions at once and must keep 10 unreserved, so that reserving any "
            "fails the deployment; few callers can invoke this one",
        )
        if undelivered is not None:
            role.allow("sqs:SendMessage", on=sub(undelivered.sub_arn))
            role.can_encrypt(key)
            return
        accept(
            self,
            "LambdaDLQ",
            because="every caller waits for the answer and sees the error itself, so nothing is queued that could "
            "be lost",
            kind="compensated",
        )
