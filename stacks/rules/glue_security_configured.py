"""What a Glue crawler or job writes, logs and remembers is encrypted with the customer's key."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.keys import expect_key
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

_NAMED_BY = {"AWS::Glue::Crawler": "CrawlerSecurityConfiguration", "AWS::Glue::Job": "SecurityConfiguration"}
_PARTS = {
    "S3Encryptions.*": ("S3EncryptionMode", "SSE-KMS"),
    "CloudWatchEncryption": ("CloudWatchEncryptionMode", "SSE-KMS"),
    "JobBookmarksEncryption": ("JobBookmarksEncryptionMode", "CSE-KMS"),
}


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if resource.type in _NAMED_BY:
        for path, value in resource.each(_NAMED_BY[resource.type]):
            if value is None:
                yield Problem(path, value, "no security configuration is named")
        return
    for part, (mode, wanted) in _PARTS.items():
        base = f"EncryptionConfiguration.{part}"
        if part.endswith("*") and not list(resource.each(base)):
            yield Problem(base.removesuffix(".*"), None, "what is written to S3 is not encrypted")
        for path, value in resource.each(f"{base}.{mode}"):
            if value != wanted:
                yield Problem(path, value, f"the mode is not {wanted}")
        yield from expect_key(resource.each(f"{base}.KmsKeyArn"), template, "no customer-managed key")


RULE = Rule(
    id="glue-security-configured",
    title="A Glue crawler or job uses a security configuration that encrypts S3 data, logs and bookmarks",
    why="Logs and bookmarks repeat table names, paths and values.",
    fix="Name an AWS::Glue::SecurityConfiguration with all three encryptions and the lab's key.",
    source="https://docs.aws.amazon.com/glue/latest/dg/console-security-configurations.html",
    controls=("NIST SC-28", "NIST SC-28(1)", "NIST AU-9"),
    types=("AWS::Glue::Crawler", "AWS::Glue::Job", "AWS::Glue::SecurityConfiguration"),
    check=check,
)
