"""A production variant starts with more than one instance."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, variant in resource.each("ProductionVariants.*"):
        if is_function(variant):
            yield Problem(path, variant, "the variant is known to CloudFormation only", undecided=True)
        elif not variant.get("ServerlessConfig"):
            yield from _count(resource, f"{path}.InitialInstanceCount")


def _count(resource: Resource, path: str) -> Iterable[Problem]:
    for found, value in resource.each(path):
        try:
            enough = float(value) > 1
        except (TypeError, ValueError):
            yield Problem(found, value, "the number is known to CloudFormation only", undecided=is_function(value))
        else:
            if not enough:
                yield Problem(found, value, "one instance is one failure away from no endpoint")


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
