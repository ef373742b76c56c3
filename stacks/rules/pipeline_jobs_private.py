"""Jobs of a SageMaker pipeline run in the VPC, isolated, encrypted in transit and at rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from stacks.rules.kit.jobs import expect_private, read
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

_STEPS = {"Processing": "processing", "Training": "training", "Transform": "transform", "Tuning": "tuning"}
_STEPS |= {"AutoML": "automl", "ClarifyCheck": "processing", "QualityCheck": "processing"}
_BRANCHES = ("IfSteps", "ElseSteps")
_BODY = "PipelineDefinition.PipelineDefinitionBody"


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if resource.one("PipelineDefinition.PipelineDefinitionS3Location") is not None:
        yield Problem(_BODY, None, "the definition is in S3, not in the template", undecided=True)
        return
    for path, value in resource.each(_BODY):
        for definition in read(value):
            if not isinstance(definition, dict):
                yield Problem(path, value, "the definition is no JSON object that can be read", undecided=True)
            else:
                yield from _steps(definition.get("Steps"), path)


def _steps(steps: Any, path: str) -> Iterator[Problem]:
    for step in steps if isinstance(steps, list) else ():
        if not isinstance(step, dict):
            continue
        arguments, where = step.get("Arguments"), f"{path}.{step.get('Name', '?')}"
        if step.get("Type") in _STEPS:
            yield from expect_private(_STEPS[step["Type"]], arguments, where)
        for branch in _BRANCHES:
            yield from _steps(arguments.get(branch) if isinstance(arguments, dict) else None, path)


RULE = Rule(
    id="pipeline-jobs-private",
    title="Jobs of a SageMaker pipeline run in the VPC, isolated, and encrypt traffic, volumes and output",
    why="The definition is a text inside the template: other rules do not look into it, and its jobs read all the data.",
    fix="Give each step NetworkConfig or VpcConfig, isolation, traffic encryption and the lab's key.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html",
    controls=("NIST SC-7", "NIST AC-4", "NIST SC-8", "NIST SC-28"),
    types=("AWS::SageMaker::Pipeline",),
    check=check,
)
