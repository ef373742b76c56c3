"""Gives resources names that AWS refuses or that are taken, and takes tags away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.review.mutation.kit.operator import Breaks, Operator, drops, sets
from labkit.review.mutation.kit.places import Path, Template, at, changed, put

# The property that names a resource, of types whose names the labs give, and a name that is refused.
_NAMES = {
    "AWS::SageMaker::Endpoint": "EndpointName",
    "AWS::SageMaker::Pipeline": "PipelineName",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Athena::WorkGroup": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::CodeBuild::Project": "Name",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::IAM::Role": "RoleName",
}
_PATTERNS = tuple(f"{type_} Properties.{name}" for type_, name in _NAMES.items())


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _named(template: Template) -> Iterator[Path]:
    for logical_id, body in template["Resources"].items():
        name = _NAMES.get(body["Type"])
        if name and isinstance(body.get("Properties", {}).get(name), str):
            yield ("Resources", logical_id)


def _twice(template: Template, path: Path) -> Template:
    mutant: Template = put(template, ("Resources", f"{path[1]}Again"), at(template, path))
    return mutant


def _misspelt_property(template: Template, path: Path) -> Template:
    def misspelt(properties: Any) -> Any:
        first, *_ = properties
        return {f"{name}x" if name == first else name: value for name, value in properties.items()}

    mutant: Template = changed(template, path, misspelt)
    return mutant


def _properties(template: Template) -> Iterator[Path]:
    """The properties of every resource whose schema is closed; those of custom resources are free."""
    for logical_id, body in template["Resources"].items():
        if body.get("Properties") and body["Type"].startswith("AWS::"):
            yield ("Resources", logical_id, "Properties")


def _types(template: Template) -> Iterator[Path]:
    for logical_id, body in template["Resources"].items():
        if body["Type"].startswith("AWS::"):
            yield ("Resources", logical_id, "Type")


def _misspelt_type(template: Template, path: Path) -> Template:
    mutant: Template = changed(template, path, lambda name: f"{name}s")
    return mutant


_BREAKS: Breaks = "deployment"

OPERATORS = (
    sets(
        "name-too-long",
        "A name longer than the service takes",
        _BREAKS,
        *_PATTERNS,
        where=_is_text,
        to=lambda name: name + "x" * 600,
    ),
    sets(
        "name-bad",
        "A name with signs that the service refuses",
        _BREAKS,
        *_PATTERNS,
        where=_is_text,
        to=lambda name: f"{name} ?{{}}",
    ),
    Operator(id="name-twice", title="Two resources of one name", breaks=_BREAKS, sites=_named, apply=_twice),
    Operator(
        id="property-misspelt",
        title="A property that the resource does not have",
        breaks=_BREAKS,
        sites=_properties,
        apply=_misspelt_property,
    ),
    Operator(
        id="type-misspelt",
        title="A type of resource that does not exist",
        breaks=_BREAKS,
        sites=_types,
        apply=_misspelt_type,
    ),
    drops("drop-tags", "A resource that nobody can tell the lab of", "removal", "AWS::* Properties.Tags"),
)
