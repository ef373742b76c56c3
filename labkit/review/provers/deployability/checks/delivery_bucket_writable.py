"""A service may write to the bucket it is told to deliver to, from its creation on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_ROWS = by_type("delivery_buckets", "bucket")
_KEY = "BucketEncryption.ServerSideEncryptionConfiguration.*.ServerSideEncryptionByDefault.KMSMasterKeyID"


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for row in _ROWS[resource.type]:
        if any(view.plain(resource.one(path)) != value for path, value in row.get("equals", {}).items()):
            continue
        for path, value in view.listed(resource, row["path"]):
            yield from _bucket(resource, path, value, row, view)
    if resource.type == "AWS::Config::DeliveryChannel":
        prefix = view.text(resource.properties.get("S3KeyPrefix")) or ""
        if "AWSLogs" in prefix:
            yield Fault("S3KeyPrefix", prefix, "the prefix may not contain AWSLogs, which Config adds itself",
                        error="The specified S3 key prefix is not valid (InvalidS3KeyPrefixException)",
                        fix="Leave AWSLogs out of the prefix.")  # fmt: skip


def _bucket(resource: Resource, path: str, value: Any, row: dict[str, Any], view: View) -> Iterator[Fault]:
    given = view.text(value) or ""
    by_arn = given.startswith("arn:") or given.endswith(".Arn}")
    if row["by"] == "name" and by_arn:
        yield Fault(
            path,
            value,
            "an ARN is given where the bucket's name is needed",
            error=row["error"],
            fix="Use Ref on the bucket.",
        )
    bucket = view.target(value, "AWS::S3::Bucket")
    if bucket is None:
        return
    found = view.policies.on(bucket)
    lacking = []
    late = None
    for action in row["actions"]:
        letting = [one for one in found if view.policies.lets(one.statement, row["principal"], action, resource)]
        if not letting:
            lacking.append(action)
        elif row.get("tested") and not view.graph.any_before(resource, (one.carrier for one in letting)):
            late = letting[0].carrier
    if lacking:
        yield Fault(path, value, f"no policy on {bucket.logical_id} lets {row['principal']} call {', '.join(lacking)}",
                    error=row["error"], fix=f"Allow {', '.join(lacking)} to {row['principal']} in a policy on "
                    f"{bucket.logical_id}, and let {resource.logical_id} depend on it.")  # fmt: skip
    elif late is not None:
        yield Fault(path, value, f"AWS tries to write while it creates {resource.logical_id}, which does not wait for {late.logical_id}",
                    error=row["error"], fix=f"Add DependsOn {late.logical_id}.")  # fmt: skip
    for _, given_key in bucket.each(_KEY) if row.get("key_actions") else ():
        key = view.keys.of(given_key)
        missing = (
            view.keys.service_lacks(key, row["principal"], row["key_actions"], source=resource)
            if key is not None
            else []
        )
        if key is not None and missing:
            yield Fault(f"{path}: {key.logical_id}.KeyPolicy", None,
                        f"{row['principal']} lacks {', '.join(missing)} on the key of {bucket.logical_id}", error=row["error"],
                        fix=f"Allow {', '.join(missing)} to {row['principal']} in the policy of {key.logical_id}.")  # fmt: skip


CHECK = Check(
    id="deploy-delivery-bucket-writable",
    title="A service may write to the bucket that it delivers to",
    phase="create",
    why="The service writes under its own name, and several try it while the resource is created.",
    fix="Add the service's statements to the bucket's policy, and let the resource depend on the policy.",
    error="Insufficient delivery policy to s3 bucket: <bucket>, unable to write to bucket",
    sources=(
        "https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html",
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html",
        "https://github.com/aws/aws-cdk/issues/13978",
    ),
    covers=("DF-107",),
    types=tuple(_ROWS),
    look=look,
)
