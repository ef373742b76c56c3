"""A model's containers reach no network."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule, expect
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_on


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    return expect(resource.each("EnableNetworkIsolation"), is_on, "the containers may open network connections")


RULE = Rule(
    id="model-network-isolated",
    title="A model's containers run in network isolation",
    why="Code in the container or in the model artefact cannot send data out, not even to S3.",
    fix="Set EnableNetworkIsolation to true.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
    controls=("AI-BP SageMaker.5", "FSBP SageMaker.5", "NIST SC-7", "NIST AC-4"),
    types=("AWS::SageMaker::Model",),
    check=check,
)
