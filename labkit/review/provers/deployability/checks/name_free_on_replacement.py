"""A resource that every change replaces has no fixed name."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.names import create_only, fixed_name
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

# Properties whose change never replaces, and which say nothing about what the resource does.
_BESIDE = {"Tags", "TagList", "Description"}
# Types whose name must be given, so that nobody can leave it out; the fault is the same.
_REQUIRED = "the type needs a name: derive it from the content, with a digest"


def look(resource: Resource, view: View) -> Iterable[Fault]:
    name = view.name_property(resource)
    if name is None or resource.properties.get(name) is None:
        return
    fixed = fixed_name(resource, view)
    if fixed is None:
        return
    replacing, free = create_only(resource.type, view)
    given = set(resource.properties) - {name} - _BESIDE
    if given and given <= replacing and not (free - _BESIDE):
        noun = resource.type.rpartition("::")[2]
        required = name in (view.schema(resource.type) or {}).get("required", [])
        yield Fault(
            name,
            fixed,
            f"every change replaces a {noun}, and CloudFormation makes the new one before it removes the old one, "
            "which still has the name",
            error=_said(resource.type, fixed),
            fix=f"{_REQUIRED}." if required else f"Leave {name} out, or put a digest of the content into it.",
        )


def _said(type_: str, name: str) -> str:
    if type_ == "AWS::SageMaker::EndpointConfig":
        return f'Cannot create already existing endpoint configuration "arn:aws:sagemaker:...:endpoint-config/{name}"'
    if type_ == "AWS::SageMaker::Model":
        return f'Cannot create already existing model "arn:aws:sagemaker:...:model/{name}"'
    return f"CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and update the stack again."


CHECK = Check(
    id="deploy-name-free-on-replacement",
    title="A resource that every change replaces has no fixed name",
    phase="update",
    why="CloudFormation replaces by making the new resource first; a fixed name is still taken then.",
    fix="Leave the name out, or put a digest of the content into it.",
    error="CloudFormation cannot update a stack when a custom-named resource requires replacing.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html",
        "https://github.com/awslabs/spot-tagging-bot-for-digital-assets/issues/2",
        "https://github.com/hashicorp/terraform-provider-aws/pull/48993",
    ),
    covers=("DF-045",),
    types=("*",),
    look=look,
)
