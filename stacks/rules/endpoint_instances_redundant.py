"""A production variant starts with more than one instance."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import Found, each, is_function


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, variant in resource.each("ProductionVariants.*"):
        if is_function(variant):
            yield Problem(path, variant, "the variant is known to CloudFormation only", undecided=True)
        elif not variant.get("ServerlessConfig"):
            yield from _count(each(variant, "InitialInstanceCount", at=path))


def _count(found: Iterable[Found]) -> Iterable[Problem]:
    for path, value in found:
        if is_function(value):
            yield Problem(path, value, "the number is known to CloudFormation only", undecided=True)
        elif value is None or float(value) < 2:
            yield Problem(path, value, "one instance is one failure away from no endpoint")


RULE = Rule(
    id="endpoint-instances-redundant",
    title="A production variant starts with more than one instance",
    why="SageMaker spreads two or more instances over availability zones; one alone is lost with its zone.",
    fix="Set InitialInstanceCount of each production variant to 2 or more.",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-4",
    controls=("AI-BP SageMaker.4", "FSBP SageMaker.4", "NIST CP-10", "NIST SC-5"),
    types=("AWS::SageMaker::EndpointConfig",),
    check=check,
)
