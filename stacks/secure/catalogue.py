"""The Glue Data Catalog: databases, what encrypts the work on them, and crawlers that fill them."""

from __future__ import annotations

import os.path
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from constructs import Construct

from stacks.acceptance import accept
from stacks.secure.bucket import Bucket
from stacks.secure.key import Key
from stacks.secure.log_group import LogGroup
from stacks.secure.names import logical_id, placed, sub, sub_text
from stacks.secure.role import Role

# What a crawler does in the catalog; it neither deletes tables nor touches other databases.
_CRAWLING = (
    "glue:BatchCreatePartition",
    "glue:BatchGetPartition",
    "glue:CreateTable",
    "glue:GetDatabase",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:GetTable",
    "glue:GetTables",
    "glue:UpdatePartition",
    "glue:UpdateTable",
)


class GlueDatabase(glue.CfnDatabase):
    """A database of this account's Data Catalog; the tables in it go with it.

    It has a name of its own, since Athena takes only letters, digits and underscores without quoting.
    In an account where Lake Formation took ``IAMAllowedPrincipals`` away, the role that deploys must be a database
    creator there.

    Source: https://docs.aws.amazon.com/glue/latest/webapi/API_DeleteDatabase.html
    """

    def __init__(self, scope: Construct, id: str) -> None:
        stack = cdk.Stack.of(scope)
        super().__init__(
            scope,
            id,
            catalog_id=cdk.Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=f"{stack.stack_name}_{id}".lower().replace("-", "_"),
                description=f"Tables of {stack.stack_name}",
            ),
        )
        placed(self, scope, id)
        accept(
            self,
            "deploy-lake-permissions-stated",
            because="a new account lets IAM rule the catalogue, and the template cannot tell; where Lake Formation rules "
            "it, the deploying role must be a database creator, as this class and the lab's README say",
        )
        self.catalogue_arns = [
            sub(f"arn:${{AWS::Partition}}:glue:${{AWS::Region}}:${{AWS::AccountId}}:{resource}")
            for resource in (
                "catalog",
                f"database/${{{logical_id(self)}}}",
                f"table/${{{logical_id(self)}}}/*",
            )
        ]


class GlueSecurityConfiguration(glue.CfnSecurityConfiguration):
    """What Glue writes to S3, logs and remembers between runs is encrypted with the lab's key.

    Glue cannot change a security configuration, only replace it, and asks for a name: it holds the key's id, so that
    another key gives another name.

    Source: https://docs.aws.amazon.com/glue/latest/dg/encryption-security-configuration.html
    """

    def __init__(self, scope: Construct, id: str, *, key: Key) -> None:
        kind = glue.CfnSecurityConfiguration
        key_id = cdk.Fn.select(1, cdk.Fn.split("/", key.arn))
        super().__init__(
            scope,
            id,
            name=cdk.Fn.join("-", [cdk.Stack.of(scope).stack_name, key_id]),
            encryption_configuration=kind.EncryptionConfigurationProperty(
                s3_encryptions=[kind.S3EncryptionProperty(s3_encryption_mode="SSE-KMS", kms_key_arn=key.arn)],
                cloud_watch_encryption=kind.CloudWatchEncryptionProperty(
                    cloud_watch_encryption_mode="SSE-KMS", kms_key_arn=key.arn
                ),
                job_bookmarks_encryption=kind.JobBookmarksEncryptionProperty(
                    job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key.arn
                ),
            ),
        )
        placed(self, scope, id)
        key.on_trust(self, "deploy-key-lets-service")


class Crawler(glue.CfnCrawler):
    """A crawler, started by hand, that reads some folders, writes tables of one database, and logs encrypted.

    Each folder becomes one table named like it. The crawler changes tables and never deletes one.

    Args:
        database: receives the tables.
        folders: for each bucket the names of its folders; they begin alike, and the role reads what begins so.
        security: encrypts the log.
        key: the lab's key, which decrypts what is crawled.

    Raises:
        ValueError: the folders of a bucket have no beginning in common, which would open the whole bucket.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        database: GlueDatabase,
        folders: Mapping[Bucket, Sequence[str]],
        security: GlueSecurityConfiguration,
        key: Key,
    ) -> None:
        parts = Construct(scope, f"{id}Parts")
        role = Role(parts, "Role", service="glue")
        # With a security configuration Glue writes to a log group of this name. Made here, it is encrypted from its
        # first line and goes with the stack.
        logs = LogGroup(
            parts,
            "Logs",
            key=key,
            name=sub_text(f"/aws-glue/crawlers-role/${{{logical_id(role)}}}-${{{logical_id(security)}}}"),
        )
        role.can_log(logs)
        role.allow("logs:AssociateKmsKey", "logs:CreateLogGroup", on=sub(logs.sub_arn))
        role.allow(
            "glue:GetSecurityConfiguration",
            on="*",
            because="Glue has no resource-level permission for reading a security configuration; it names keys, "
            "and holds no data and no secret",
        )
        role.allow(
            *_CRAWLING,
            on=database.catalogue_arns,
            because="the crawler names the tables it finds; limited to the tables of one database of this stack",
        )
        for bucket, names in folders.items():
            begin = os.path.commonprefix(list(names))  # noqa: RUF071 - of letters, not of folders
            if not begin:
                raise ValueError(f"{scope.node.path}/{id}: folders {', '.join(names)} have no beginning in common")
            role.can_read(bucket, begin)
            role.allow("s3:GetBucketLocation", on=sub(bucket.sub_arn))
        super().__init__(
            scope,
            id,
            role=role.attr_arn,
            database_name=database.ref,
            crawler_security_configuration=security.ref,
            targets=glue.CfnCrawler.TargetsProperty(
                s3_targets=[
                    glue.CfnCrawler.S3TargetProperty(path=sub_text(f"s3://${{{logical_id(bucket)}}}/{name}/"))
                    for bucket, names in folders.items()
                    for name in names
                ]
            ),
            recrawl_policy=glue.CfnCrawler.RecrawlPolicyProperty(recrawl_behavior="CRAWL_EVERYTHING"),
            schema_change_policy=glue.CfnCrawler.SchemaChangePolicyProperty(
                update_behavior="UPDATE_IN_DATABASE", delete_behavior="LOG"
            ),
        )
        self.role_ = role
        self.logs = logs
        role.ready(self)
