"""A key's material is replaced every year."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule, expect
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_on


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if resource.one("KeySpec") in (None, "SYMMETRIC_DEFAULT") and resource.one("Origin") != "EXTERNAL":
        yield from expect(resource.each("EnableKeyRotation"), is_on, "the key is never rotated")


RULE = Rule(
    id="key-rotates",
    title="A symmetric key rotates by itself",
    why="What one version of the key material has encrypted stays limited.",
    fix="Set EnableKeyRotation to true.",
    source="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    controls=("SecurityHub KMS.4", "NIST SC-12", "NIST SC-12(2)", "NIST SC-28(3)"),
    types=("AWS::KMS::Key",),
    check=check,
    same_as=("KMSBackingKeyRotationEnabled",),
)
