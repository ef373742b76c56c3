"""Makes buckets less private, less durable, or impossible to make."""

from __future__ import annotations

from labkit.review.mutation.kit.operator import Operator, adds, drops, removes, sets

_BUCKET = "AWS::S3::Bucket Properties"

OPERATORS: tuple[Operator, ...] = (
    drops("drop-versioning", "A bucket without versions", "security", f"{_BUCKET}.VersioningConfiguration"),
    sets(
        "suspend-versioning",
        "A bucket whose versions are off",
        "security",
        f"{_BUCKET}.VersioningConfiguration.Status",
        to="Suspended",
    ),
    drops(
        "drop-public-block", "A bucket that may become public", "security", f"{_BUCKET}.PublicAccessBlockConfiguration"
    ),
    sets(
        "public-block-partial",
        "A bucket that may become public in one way",
        "security",
        f"{_BUCKET}.PublicAccessBlockConfiguration.*",
        to=False,
    ),
    drops("drop-lifecycle", "A bucket that keeps everything", "security", f"{_BUCKET}.LifecycleConfiguration"),
    sets(
        "lifecycle-off",
        "A bucket whose rules are off",
        "security",
        f"{_BUCKET}.LifecycleConfiguration.Rules.*.Status",
        to="Disabled",
    ),
    removes("drop-bucket-policy", "A bucket without a policy", "security", "AWS::S3::BucketPolicy"),
    sets(
        "bucket-acl",
        "A bucket that others' access lists rule",
        "security",
        f"{_BUCKET}.OwnershipControls.Rules.*.ObjectOwnership",
        to="ObjectWriter",
    ),
    adds(
        "bucket-public",
        "A bucket that everybody reads",
        "security",
        "AWS::S3::Bucket",
        to=lambda one: {**one, "AccessControl": "PublicRead"},
    ),
    adds(
        "bucket-name-bad",
        "A bucket with a name that S3 refuses",
        "deployment",
        "AWS::S3::Bucket",
        to=lambda one: {**one, "BucketName": "Raw_Data"},
    ),
    adds(
        "bucket-replicated",
        "A bucket that copies its contents into another account",
        "security",
        "AWS::S3::Bucket",
        to=lambda one: {
            **one,
            "ReplicationConfiguration": {
                "Role": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/copies"},
                "Rules": [
                    {
                        "Status": "Enabled",
                        "Destination": {"Bucket": "arn:aws:s3:::elsewhere", "Account": "999988887777"},
                    }
                ],
            },
        },
    ),
)
