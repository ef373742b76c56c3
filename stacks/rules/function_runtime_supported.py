"""A function runs on a runtime that AWS patches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stacks.rules.kit.rule import Problem, Rule, expect
from stacks.rules.kit.runtimes import SUPPORTED
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if resource.one("PackageType") != "Image":
        yield from expect(resource.each("Runtime"), _is_supported, "AWS does not patch this runtime")


def _is_supported(value: Any) -> bool:
    return isinstance(value, str) and value in SUPPORTED


RULE = Rule(
    id="function-runtime-supported",
    title="A function runs on a supported runtime",
    why="A deprecated runtime gets no security patches, and functions on it can no longer be created or changed.",
    fix="Choose a current runtime.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
    controls=("FSBP Lambda.2", "NIST CA-9(1)", "NIST CM-2", "NIST SI-2", "NIST SI-2(2)"),
    types=("AWS::Lambda::Function",),
    check=check,
)
