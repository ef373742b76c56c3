"""A container image is there when the resource that runs it is created."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import registries, repositories
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import references

_PLACES = {
    "AWS::SageMaker::Model": ("PrimaryContainer.Image", "Containers.*.Image"),
    "AWS::Lambda::Function": ("Code.ImageUri",),
    "AWS::ECS::TaskDefinition": ("ContainerDefinitions.*.Image",),
    "AWS::Batch::JobDefinition": ("ContainerProperties.Image",),
    "AWS::AppRunner::Service": ("SourceConfiguration.ImageRepository.ImageIdentifier",),
    "AWS::BedrockAgentCore::Runtime": ("AgentRuntimeArtifact.ContainerConfiguration.ContainerUri",),
    "AWS::CodeBuild::Project": ("Environment.Image",),
    "AWS::SageMaker::ImageVersion": ("BaseImage",),
    "AWS::SageMaker::ModelPackage": ("InferenceSpecification.Containers.*.Image",),
    **{
        f"AWS::SageMaker::{kind}JobDefinition": (f"{kind}AppSpecification.ImageUri",)
        for kind in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
    },
}
_ERRORS = {
    "AWS::Lambda::Function": "Source image <uri> does not exist. Provide a valid source image. (InvalidParameterValueException)",
    "AWS::ECS::TaskDefinition": "CannotPullContainerError: pull image manifest has been retried: <uri>: not found",
    "AWS::AppRunner::Service": "Failed to pull your application image: the image does not exist",
}
_MISSING = (
    "Please make sure all images included in the model for the production variant ... exist, and that the execution "
    "role used to create the model has permissions to access them"
)
_URI = re.compile(r"^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for path in _PLACES[resource.type]:
        for where, value in view.listed(resource, path):
            yield from _own(resource, where, value, view)
            yield from _registry(resource, where, value, view)


def _own(resource: Resource, path: str, value: Any, view: View) -> Iterator[Fault]:
    named = [view.template.resources[one] for one in references(value) & set(view.template.resources)]
    repositories = [one for one in named if one.type == "AWS::ECR::Repository"]
    given = view.text(value) or ""
    if not repositories and "/" in given:
        last = re.split(r"[:@]", given.rpartition("/")[2])[0]
        repositories = [one for one in view.by_name.get(last, ()) if one.type == "AWS::ECR::Repository"]
    for repository in repositories:
        fillers = [
            one
            for name in view.graph.users(repository)
            if _custom(one := view.template.resources[name]) and view.graph.precedes(one, resource)
        ]
        if not fillers:
            yield Fault(
                path,
                value,
                f"{repository.logical_id} is made by this stack and is empty when {resource.logical_id} needs the image",
                error=_ERRORS.get(resource.type, _MISSING),
            )


def _custom(resource: Resource) -> bool:
    return resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource"


def _registry(resource: Resource, path: str, value: Any, view: View) -> Iterator[Fault]:
    given = view.text(value)
    match = _URI.match(given) if given else None
    if match is None:
        return
    account, region, china = match.groups()
    known = registries().get(account)
    fix = "Take the registry of the stack's own region from the table of images."
    if known is not None and region not in known:
        what = f"account {account} keeps images in {', '.join(sorted(known)[:3])}, not in {region}"
        yield Fault(path, given, what, error=_ERRORS.get(resource.type, _MISSING), fix=fix)
    elif region != view.region and resource.type.startswith(("AWS::SageMaker", "AWS::Lambda")):
        what = f"the image is in {region}, and the service pulls from {view.region} only"
        yield Fault(path, given, what, error=_ERRORS.get(resource.type, _MISSING), fix=fix)
    elif bool(china) != (view.partition == "aws-cn"):
        yield Fault(
            path,
            given,
            "the registry's address ends as in another partition",
            error=_ERRORS.get(resource.type, _MISSING),
            fix=fix,
        )
    elif known is not None:
        name = re.split(r"[:@]", match.string[match.end() :])[0]
        there = repositories()[account]
        if text.is_plain(name) and name not in there:
            # AWS may keep more there than the tables say.
            what = f"the registry is SageMaker's, and of its repositories {', '.join(sorted(there))} are known"
            yield Fault(path, given, what, error=_ERRORS.get(resource.type, _MISSING), fix=fix, undecided=True)


CHECK = Check(
    id="deploy-image-there",
    title="A container image is there when the resource that runs it is created",
    phase="create",
    why="A repository that the same stack makes is empty, a registry of another region is another registry, and a "
    "repository with a misspelt name is none.",
    fix="Use an image asset, which is pushed before deployment, or make the repository in a stack of its own.",
    error=_MISSING,
    sources=(
        "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-algo-docker-registry-paths.html",
        "https://github.com/aws/amazon-sagemaker-examples/issues/275",
    ),
    covers=("DF-055",),
    types=tuple(_PLACES),
    look=look,
)
