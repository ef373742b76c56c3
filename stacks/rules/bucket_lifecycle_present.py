"""A bucket states how long its objects and their old versions stay."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function

_RULES = "LifecycleConfiguration.Rules"


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    found = list(resource.each(f"{_RULES}.*.Status"))
    if not any(status == "Enabled" for _, status in found):
        unknown = any(is_function(status) for _, status in found)
        yield Problem(_RULES, [status for _, status in found], "no lifecycle rule is enabled", undecided=unknown)
        return
    for path, status in found:
        if status == "Disabled":
            yield Problem(path, status, "the rule is switched off: what it is about stays for ever")


RULE = Rule(
    id="bucket-lifecycle-present",
    title="A bucket has lifecycle rules, and all of them are enabled",
    why="Data and old versions that nobody deletes cost money and remain to be leaked.",
    fix="Add a rule with Status Enabled to LifecycleConfiguration; take out a rule that is not meant to act.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html",
    controls=("FSBP S3.13", "NIST CP-9", "NIST CP-10", "NIST SI-12", "NIST SI-13(5)"),
    types=("AWS::S3::Bucket",),
    check=check,
)
