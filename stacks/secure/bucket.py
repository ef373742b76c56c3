"""Buckets."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.acceptance import accept
from stacks.secure.housekeeping import Housekeeping
from stacks.secure.key import Key
from stacks.secure.names import logical_id, placed, ref, stack_of, sub

_PRIVATE: dict[str, Any] = {
    "public_access_block_configuration": s3.CfnBucket.PublicAccessBlockConfigurationProperty(
        block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
    ),
    "ownership_controls": s3.CfnBucket.OwnershipControlsProperty(
        rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
    ),
    "versioning_configuration": s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
}


def lifecycle_rule(
    name: str,
    *,
    days_kept: int | None = None,
    prefix: str | None = None,
    tier_after: int | None = None,
    old_versions_kept: int = 30,
) -> s3.CfnBucket.RuleProperty:
    """One lifecycle rule: when objects expire, when they move to Intelligent-Tiering, how long old versions stay.

    Args:
        name: id of the rule.
        days_kept: days until an object expires; default: never.
        prefix: objects it applies to; default: all.
        tier_after: days until an object moves to Intelligent-Tiering; default: stays.
        old_versions_kept: days an overwritten version stays.
    """
    return s3.CfnBucket.RuleProperty(
        id=name,
        status="Enabled",
        prefix=prefix,
        expiration_in_days=days_kept,
        transitions=[
            s3.CfnBucket.TransitionProperty(storage_class="INTELLIGENT_TIERING", transition_in_days=tier_after)
        ]
        if tier_after is not None
        else None,
        noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
            noncurrent_days=old_versions_kept
        ),
        abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(days_after_initiation=7),
    )


class LogBucket(s3.CfnBucket):
    """A private bucket that receives the access logs of the stack's other buckets and keeps them 90 days.

    S3 delivers access logs to buckets encrypted with S3's own key without further permission; the user guide
    excludes default encryption with KMS on such a bucket.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """

    def __init__(self, scope: Construct, id: str, *, key: Key) -> None:
        super().__init__(
            scope,
            id,
            bucket_encryption=_encryption("AES256"),
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
                rules=[lifecycle_rule("expire", days_kept=90)]
            ),
            **_PRIVATE,
        )
        placed(self, scope, id)
        self.sub_arn = f"${{{logical_id(self)}.Arn}}"
        delivery = {
            "Sid": "AccessLogDelivery",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": sub(f"{self.sub_arn}/*"),
            "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
        }
        self.policy = _only_tls(self, self.sub_arn, delivery)
        _accept_one_region(self)
        accept(
            self,
            "S3DefaultEncryptionKMS",
            because="S3's user guide excludes KMS default encryption on a bucket that receives access logs; "
            "the logs hold request lines, no data, and are encrypted with S3's own key",
            kind="compensated",
        )
        accept(
            self,
            "removed-in-order",
            because="S3 delivers access logs up to hours late, whatever is deleted first; `labs destroy` empties the "
            "bucket again until it is gone, also where a stack that expired by itself failed to delete it",
            kind="compensated",
        )
        self.emptied = Housekeeping.of(self, key=key).empty_on_delete(self, after=self.policy)


class Bucket(s3.CfnBucket):
    """A private, versioned, TLS-only bucket encrypted with the lab's key, whose accesses are logged.

    Args:
        key: the lab's key.
        logs: receives the access logs, under this bucket's id.
        lifecycle: rules; default: old versions go after 30 days.
        accelerated: Transfer Acceleration, for uploads from far away; costs extra per gigabyte.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        key: Key,
        logs: LogBucket,
        lifecycle: list[s3.CfnBucket.RuleProperty] | None = None,
        accelerated: bool = False,
    ) -> None:
        super().__init__(
            scope,
            id,
            bucket_encryption=_encryption("aws:kms", key.arn),
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
                rules=lifecycle or [lifecycle_rule("old-versions")]
            ),
            logging_configuration=s3.CfnBucket.LoggingConfigurationProperty(
                destination_bucket_name=ref(logs), log_file_prefix=f"{id.lower()}/"
            ),
            accelerate_configuration=s3.CfnBucket.AccelerateConfigurationProperty(acceleration_status="Enabled")
            if accelerated
            else None,
            **_PRIVATE,
        )
        placed(self, scope, id)
        self.key = key
        self.sub_arn = f"${{{logical_id(self)}.Arn}}"
        self.policy = _only_tls(self, self.sub_arn)
        # Access logs are refused until the receiving bucket's policy stands.
        stack_of(self).order(self, after=lambda: [logs.policy])
        _accept_one_region(self)
        self.emptied = Housekeeping.of(self, key=key).empty_on_delete(self, after=self.policy)

    def stopped_before_emptied(self, *writers: Any) -> None:
        """On deletion these go first, so that nothing writes into the bucket after it was emptied."""
        for writer in writers:
            stack_of(self).order(writer, after=lambda: [self.emptied])


def _encryption(algorithm: str, key_arn: str | None = None) -> s3.CfnBucket.BucketEncryptionProperty:
    return s3.CfnBucket.BucketEncryptionProperty(
        server_side_encryption_configuration=[
            s3.CfnBucket.ServerSideEncryptionRuleProperty(
                bucket_key_enabled=True if key_arn else None,
                server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                    sse_algorithm=algorithm, kms_master_key_id=key_arn
                ),
            )
        ]
    )


def _only_tls(bucket: s3.CfnBucket, arn: str, *statements: dict[str, Any]) -> s3.CfnBucketPolicy:
    """Refuse requests without TLS 1.2; never refuse the one who deletes."""
    on = [sub(arn), sub(f"{arn}/*")]
    refuse = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": on}
    policy = s3.CfnBucketPolicy(
        bucket,
        "Policy",
        bucket=ref(bucket),
        policy_document={
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": "OnlyTls", **refuse, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
                {"Sid": "OnlyTls12", **refuse, "Condition": {"NumericLessThan": {"s3:TlsVersion": 1.2}}},
                *statements,
            ],
        },
    )
    placed(policy, bucket, "Policy")
    return policy


def _accept_one_region(bucket: s3.CfnBucket) -> None:
    accept(
        bucket,
        "S3BucketReplicationEnabled",
        because="a lab lives for hours in one region and its data can be made again from the lab's folder; "
        "a copy in a second region would outlive it",
    )
    accept(
        bucket,
        "S3BucketDefaultLockEnabled",
        because="an object lock would keep the bucket from being deleted with the lab; versioning protects "
        "against overwriting while it lives",
    )
