"""Makes encryption at rest weaker."""

from __future__ import annotations

import re
from collections.abc import Iterator

from labkit.review.mutation.kit.operator import Operator, drops, sets
from labkit.review.mutation.kit.places import Path, Template, at, dropped, found, put, type_at
from stacks.rules.kit.values import references

_NAME = re.compile(r"kms|encryptionkey", re.IGNORECASE)


def _key_references(template: Template) -> Iterator[Path]:
    """Every property that names a key of the template; conditions of policies are not properties."""
    resources = template["Resources"]
    for path in found(template, "* Properties.**"):
        name = path[-1]
        if isinstance(name, str) and _NAME.search(name) and "Condition" not in path:
            named = references(at(template, path)) & resources.keys()
            if any(resources[one]["Type"] == "AWS::KMS::Key" for one in named) and not _within_named(path):
                yield path


def _within_named(path: Path) -> bool:
    """Whether a part of the path above it is a key's place itself; sections named ``EncryptionConfiguration`` are not."""
    above = [step for step in path[3:-1] if isinstance(step, str)]
    return any(_NAME.search(step) for step in above)


def _ours_to_aws(template: Template, path: Path) -> Template:
    service = type_at(template, path).split("::")[1].lower()
    mutant: Template = put(template, path, f"alias/aws/{service}")
    return mutant


def _is_encrypted_with_key(value: object) -> bool:
    return value in ("aws:kms", "aws:kms:dsse")


OPERATORS = (
    Operator(
        id="drop-key",
        title="A resource that names no key of the lab",
        breaks="security",
        sites=_key_references,
        apply=dropped,
    ),
    Operator(
        id="key-of-aws",
        title="A resource encrypted with a key that AWS manages",
        breaks="security",
        sites=_key_references,
        apply=_ours_to_aws,
    ),
    drops(
        "drop-bucket-encryption",
        "A bucket without encryption of its own",
        "security",
        "AWS::S3::Bucket Properties.BucketEncryption",
    ),
    sets(
        "bucket-algorithm",
        "A bucket that S3 encrypts with its own keys",
        "security",
        "AWS::S3::Bucket Properties.BucketEncryption.ServerSideEncryptionConfiguration.*"
        ".ServerSideEncryptionByDefault.SSEAlgorithm",
        to="AES256",
        where=_is_encrypted_with_key,
    ),
    drops(
        "drop-result-encryption",
        "A workgroup whose results are not encrypted",
        "security",
        "AWS::Athena::WorkGroup Properties.WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration",
    ),
    sets(
        "workgroup-not-enforced",
        "A workgroup whose encryption each query may leave out",
        "security",
        "AWS::Athena::WorkGroup Properties.WorkGroupConfiguration.EnforceWorkGroupConfiguration",
        to=False,
    ),
    sets(
        "glue-encryption-off",
        "A Glue security configuration with one part switched off",
        "security",
        "AWS::Glue::SecurityConfiguration Properties.EncryptionConfiguration.*.CloudWatchEncryptionMode",
        "AWS::Glue::SecurityConfiguration Properties.EncryptionConfiguration.*.JobBookmarksEncryptionMode",
        "AWS::Glue::SecurityConfiguration Properties.EncryptionConfiguration.*.*.S3EncryptionMode",
        to="DISABLED",
    ),
    drops(
        "drop-security-configuration",
        "A crawler without a security configuration",
        "security",
        "AWS::Glue::Crawler Properties.CrawlerSecurityConfiguration",
    ),
    drops(
        "drop-artifact-encryption",
        "A pipeline whose artifacts S3 encrypts as it likes",
        "security",
        "AWS::CodePipeline::Pipeline Properties.ArtifactStore.EncryptionKey",
    ),
)
