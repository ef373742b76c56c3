"""A bucket encrypts new objects with the customer's key."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.buckets import receives_access_logs
from stacks.rules.kit.keys import expect_key
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import each

_RULES = "BucketEncryption.ServerSideEncryptionConfiguration"


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    defaults = list(resource.each(f"{_RULES}.*.ServerSideEncryptionByDefault"))
    if not defaults:
        yield Problem(_RULES, None, "the bucket states no encryption")
    if receives_access_logs(resource, template):
        return  # S3 delivers access logs to buckets with its own key; see the rule's source.
    for path, value in defaults:
        algorithm = value.get("SSEAlgorithm") if isinstance(value, dict) else None
        if algorithm not in ("aws:kms", "aws:kms:dsse"):
            yield Problem(f"{path}.SSEAlgorithm", algorithm, "objects are encrypted with S3's key, not the customer's")
        else:
            yield from expect_key(each(value, "KMSMasterKeyID", at=path), template, "the key is not customer-managed")


RULE = Rule(
    id="bucket-encrypted-with-key",
    title="A bucket encrypts objects with a customer-managed key, unless it receives access logs",
    why="Reading an object then takes permission on the key too, and each use of the key is recorded.",
    fix="Set BucketEncryption to aws:kms with the lab's key. A bucket that receives access logs states AES256.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
    controls=("SecurityHub S3.17", "NIST SC-28", "NIST SC-28(1)", "NIST SC-13", "NIST CA-9(1)"),
    types=("AWS::S3::Bucket",),
    check=check,
    same_as=("S3DefaultEncryptionKMS",),
)
