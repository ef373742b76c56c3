"""Captured requests and answers are encrypted with the customer's key."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.keys import expect_key
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if any(value is not None for _, value in resource.each("DataCaptureConfig")):
        yield from expect_key(
            resource.each("DataCaptureConfig.KmsKeyId"), template, "captured data has no customer-managed key"
        )


RULE = Rule(
    id="endpoint-capture-encrypted",
    title="Captured data is encrypted with a customer-managed key",
    why="The capture holds what callers sent, often personal data.",
    fix="Set DataCaptureConfig.KmsKeyId to the lab's key.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html",
    controls=("NIST SC-28", "NIST SC-28(1)", "NIST AU-9"),
    types=("AWS::SageMaker::EndpointConfig",),
    check=check,
)
