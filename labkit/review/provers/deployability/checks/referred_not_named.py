"""A resource refers to another one of the stack instead of repeating its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_function

# Properties that name another resource, whose order at deletion or replacement matters, and what AWS says.
_PLACES = {
    "AWS::SageMaker::MonitoringSchedule": (
        ("MonitoringScheduleConfig.MonitoringJobDefinitionName", ("AWS::SageMaker::DataQualityJobDefinition",
            "AWS::SageMaker::ModelQualityJobDefinition", "AWS::SageMaker::ModelBiasJobDefinition",
            "AWS::SageMaker::ModelExplainabilityJobDefinition")),
        ("MonitoringScheduleConfig.MonitoringJobDefinition.MonitoringInputs.*.EndpointInput.EndpointName",
            ("AWS::SageMaker::Endpoint",)),
    ),
    "AWS::SageMaker::DataQualityJobDefinition": (("DataQualityJobInput.EndpointInput.EndpointName", ("AWS::SageMaker::Endpoint",)),),
    "AWS::SageMaker::ModelQualityJobDefinition": (("ModelQualityJobInput.EndpointInput.EndpointName", ("AWS::SageMaker::Endpoint",)),),
    "AWS::SageMaker::ModelBiasJobDefinition": (("ModelBiasJobInput.EndpointInput.EndpointName", ("AWS::SageMaker::Endpoint",)),),
    "AWS::SageMaker::ModelExplainabilityJobDefinition": (
        ("ModelExplainabilityJobInput.EndpointInput.EndpointName", ("AWS::SageMaker::Endpoint",)),),
    "AWS::Batch::JobQueue": (("ComputeEnvironmentOrder.*.ComputeEnvironment", ("AWS::Batch::ComputeEnvironment",)),),
    "AWS::SageMaker::Endpoint": (("EndpointConfigName", ("AWS::SageMaker::EndpointConfig",)),),
    "AWS::SageMaker::EndpointConfig": (("ProductionVariants.*.ModelName", ("AWS::SageMaker::Model",)),),
}  # fmt: skip
_ERRORS = {
    "AWS::Batch::JobQueue": "Cannot delete, found existing JobQueue relationship",
    "AWS::SageMaker::MonitoringSchedule": "DeleteMonitoringSchedule ValidationException: Monitoring schedule in status Pending ...",
    "AWS::SageMaker::EndpointConfig": 'Could not find model "arn:aws:sagemaker:...:model/<name>".',
    "AWS::SageMaker::Endpoint": 'Could not find endpoint configuration "<name>".',
}
# A queue names its environments by whatever name, and a replacement leaves it behind.
_ALWAYS = ("AWS::Batch::JobQueue",)
_BLIND = {
    "AWS::Logs::LogGroup",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
}
_SHORTEST = 6


def look(resource: Resource, view: View) -> Iterable[Fault]:
    told = set()
    for path, types in _PLACES.get(resource.type, ()):
        for where, value in view.listed(resource, path):
            literal = view.plain(value)
            if literal is None:
                continue
            target = next((one for one in view.by_name.get(text.name_of(literal), ()) if one.type in types), None)
            if target is not None and not view.graph.precedes(target, resource):
                told.add(where)
                yield _fault(resource, where, literal, target)
            elif target is None and resource.type in _ALWAYS:
                what = "the environment is named and not referred to: it is neither made first nor removed last"
                yield Fault(where, literal, what, error=_ERRORS[resource.type])
    if resource.type not in _BLIND:
        for where, literal, target in _named(resource, view):
            if where not in told:
                yield _fault(resource, where, literal, target)


def _fault(resource: Resource, path: str, literal: str, target: Resource) -> Fault:
    return Fault(
        path,
        literal,
        f"this is the name of {target.logical_id}, but nothing makes CloudFormation create {target.logical_id} first and "
        "remove it last",
        error=_ERRORS.get(resource.type, ""),
        fix=f"Use Ref or GetAtt on {target.logical_id}, or add DependsOn.",
    )


def _named(resource: Resource, view: View) -> Iterator[tuple[str, str, Resource]]:
    """Literals that are the whole physical name of another resource, in a property called after its type."""
    stack: list[tuple[str, Any]] = list(resource.properties.items())
    while stack:
        path, value = stack.pop()
        if isinstance(value, str):
            key = next((step for step in reversed(path.split(".")) if not step.isdigit()), "").lower()
            for target in view.by_name.get(value, ()) if len(value) >= _SHORTEST else ():
                noun = target.type.rpartition("::")[2].lower()
                right = (
                    target is not resource
                    and noun in key
                    and target.type.split("::")[1] == resource.type.split("::")[1]
                )
                apart = not view.graph.precedes(target, resource) and not view.graph.precedes(resource, target)
                if right and apart and path != view.name_property(resource):
                    yield path, value, target
        elif isinstance(value, dict) and not is_function(value):
            stack += [(f"{path}.{name}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            stack += [(f"{path}.{place}", inner) for place, inner in enumerate(value)]


CHECK = Check(
    id="deploy-referred-not-named",
    title="A resource refers to another one of the stack instead of repeating its name",
    phase="delete",
    why="A repeated name is no dependency: CloudFormation creates and removes the two in any order.",
    fix="Use Ref or GetAtt, or add DependsOn.",
    error="(the resource that is named does not exist yet, or is still in use)",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html",
        "https://github.com/aws/amazon-sagemaker-examples/issues/2342",
        "https://github.com/azavea/raster-vision-aws/issues/28",
        "https://github.com/hashicorp/terraform-provider-aws/issues/46925",
    ),
    covers=("DF-057", "DF-127"),
    types=("*",),
    look=look,
)
