"""Jobs whose definition a function carries run in the VPC, isolated, encrypted in transit and at rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stacks.rules.kit.jobs import expect_private, read
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

# What only a job of a kind is created with.
_KINDS = {
    "training": ("AlgorithmSpecification", "ResourceConfig"),
    "processing": ("AppSpecification", "ProcessingResources"),
}


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, value in resource.each("Environment.Variables.*"):
        for document in read(value):
            kind = _kind(document)
            if kind:
                yield from expect_private(kind, document, path)


def _kind(document: Any) -> str:
    if not isinstance(document, dict):
        return ""
    return next((kind for kind, names in _KINDS.items() if all(name in document for name in names)), "")


RULE = Rule(
    id="launched-jobs-private",
    title="Jobs whose definition a function carries run in the VPC, isolated, and encrypt traffic, volumes and output",
    why="The job is a text in an environment variable: rules on resources do not look into it.",
    fix="Give the definition the job's network, isolation, traffic encryption and the lab's key.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
    controls=("NIST SC-7", "NIST AC-4", "NIST SC-8", "NIST SC-28"),
    types=("AWS::Lambda::Function",),
    check=check,
)
