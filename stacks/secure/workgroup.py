"""Athena work groups and the queries kept in them."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from constructs import Construct

from stacks.secure.bucket import Bucket
from stacks.secure.catalogue import GlueDatabase
from stacks.secure.names import logical_id, sub_text

LEAST_BYTES = 10_000_000


class WorkGroup(athena.CfnWorkGroup):
    """A work group whose queries cannot choose where results go, leave them unencrypted, or scan without limit.

    Queries run with the permissions of whoever starts them. The group goes with its history and its queries.

    Args:
        results: receives the results, below ``athena/``, encrypted with the bucket's key.
        scan_limit: bytes after which Athena stops a query, 10,000,000 at least.

    Raises:
        ValueError: Athena does not accept so low a limit.

    Source: https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html
    """

    def __init__(self, scope: Construct, id: str, *, results: Bucket, scan_limit: int) -> None:
        if scan_limit < LEAST_BYTES:
            raise ValueError(f"{scope.node.path}/{id}: scan_limit is {scan_limit}; Athena allows {LEAST_BYTES} or more")
        kind = athena.CfnWorkGroup
        super().__init__(
            scope,
            id,
            name=cdk.Stack.of(scope).stack_name,
            recursive_delete_option=True,
            state="ENABLED",
            work_group_configuration=kind.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                requester_pays_enabled=False,
                bytes_scanned_cutoff_per_query=scan_limit,
                engine_version=kind.EngineVersionProperty(selected_engine_version="Athena engine version 3"),
                result_configuration=kind.ResultConfigurationProperty(
                    output_location=sub_text(f"s3://${{{logical_id(results)}}}/athena/"),
                    # A bucket of the same name in another account receives nothing.
                    expected_bucket_owner=cdk.Aws.ACCOUNT_ID,
                    encryption_configuration=kind.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=results.key.arn
                    ),
                ),
            ),
        )
        results.stopped_before_emptied(self)


class NamedQuery(athena.CfnNamedQuery):
    """A query kept in a work group, from a file whose first line ``-- ...`` says what it answers.

    Args:
        workgroup: the group that keeps and runs it.
        database: where its tables are.
        file: SQL; the query is named like the file.

    Raises:
        ValueError: the file does not begin with its description.
    """

    def __init__(self, scope: Construct, id: str, *, workgroup: WorkGroup, database: GlueDatabase, file: Path) -> None:
        first, _, text = file.read_text(encoding="utf-8").partition("\n")
        if not first.startswith("-- "):
            raise ValueError(f"{file.name}: the first line must say what the query answers, such as '-- Rows per day'")
        super().__init__(
            scope,
            id,
            name=file.stem,
            description=first.removeprefix("-- "),
            database=database.ref,
            work_group=workgroup.ref,
            query_string=text.strip(),
        )
