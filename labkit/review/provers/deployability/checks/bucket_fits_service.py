"""A bucket has the settings that the service which uses it insists on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_on

_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
# Type: where the bucket is named, what it must have, what AWS says.
_NEEDS: dict[str, tuple[tuple[str, tuple[str, ...], str], ...]] = {
    "AWS::MWAA::Environment": (("SourceBucketArn", ("blocked", "versioned"),
        "Invalid request provided: Provided bucket does not have BlockPublicAccess set for s3 bucket <bucket>."),),
    "AWS::S3::Bucket": (
        ("ReplicationConfiguration.Rules.*.Destination.Bucket", ("versioned",),
         "Destination bucket must have versioning enabled. (InvalidRequest)"),
        ("LoggingConfiguration.DestinationBucketName", ("no key",),
         "(access logs are not delivered to a bucket whose default encryption is a KMS key)"),
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (("LoadBalancerAttributes.*.Value", ("no key",),
        "Access Denied for bucket: <bucket>. Please check S3bucket permission (InvalidConfigurationRequest)"),),
    "AWS::CodePipeline::Pipeline": (("Stages.*.Actions.*.Configuration.S3Bucket", ("versioned",),
        "The bucket must have versioning enabled (the source action fails)"),),
}  # fmt: skip


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for path, needs, error in _NEEDS[resource.type]:
        for where, value in view.listed(resource, path):
            bucket = view.target(value, "AWS::S3::Bucket")
            if bucket is not None and bucket is not resource:
                yield from _bucket(where, bucket, needs, error, view)


def _bucket(path: str, bucket: Resource, needs: tuple[str, ...], error: str, view: View) -> Iterator[Fault]:
    name = bucket.logical_id
    if "blocked" in needs:
        off = [one for one in _BLOCKS if not is_on(bucket.one(f"PublicAccessBlockConfiguration.{one}"))]
        if off:
            yield Fault(f"{path}: {name}.PublicAccessBlockConfiguration", None, f"{', '.join(off)} is not true", error=error,
                        fix=f"Set all four of PublicAccessBlockConfiguration of {name} to true.")  # fmt: skip
    status = bucket.one("VersioningConfiguration.Status")
    if "versioned" in needs and view.plain(status) != "Enabled":
        yield Fault(f"{path}: {name}.VersioningConfiguration", status, f"{name} keeps no versions",
                    error=error, fix=f"Set VersioningConfiguration.Status of {name} to Enabled.",
                    undecided=view.waits(status))  # fmt: skip
    if "no key" in needs:
        for where, value in view.listed(bucket, _ALGORITHM):
            if str(view.plain(value)).startswith("aws:kms"):
                yield Fault(f"{path}: {name}.{where}", value, "the service delivers to buckets with SSE-S3 only",
                            error=error, fix=f"Use AES256 for {name}.")  # fmt: skip


_ALGORITHM: Any = "BucketEncryption.ServerSideEncryptionConfiguration.*.ServerSideEncryptionByDefault.SSEAlgorithm"
CHECK = Check(
    id="deploy-bucket-fits-service",
    title="A bucket has the settings that the service which uses it insists on",
    phase="create",
    why="Some services refuse a bucket that is not versioned or not blocked for the public, others one with a key.",
    fix="Set what the service asks for on the bucket.",
    error="Invalid request provided: Provided bucket does not have BlockPublicAccess set for s3 bucket <bucket>.",
    sources=(
        "https://docs.aws.amazon.com/mwaa/latest/userguide/mwaa-s3-bucket.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
        "https://github.com/094459/innovateaiml-airflow/issues/1",
    ),
    covers=("DF-089",),
    types=tuple(_NEEDS),
    look=look,
)
