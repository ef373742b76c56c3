"""Types, properties and values are ones that CloudFormation takes in the region."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from labkit.rehearsal.stacks.schema import schema
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import cases, is_function

_TOKEN = re.compile(r"\$\{([^}]*)\}")
_PLACE = re.compile(r"\.\d+(?=\.|$)")
# The longest that a value may get which only deployment knows.
_LONGEST = {"AWS::AccountId": 12, "AWS::Region": 14, "AWS::Partition": 10, "AWS::StackName": 128}
_SAID = {
    ("AWS::EC2::SecurityGroup", "GroupDescription"): "Value (...) for parameter GroupDescription is invalid. Character sets beyond ASCII are not supported.",
    ("AWS::IAM::Role", "Description"): "Value at 'description' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*",
}  # fmt: skip
# Characters that services take where the schema says nothing of them.
# Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html and the types' own pages.
_LATIN = r"^[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*$"
_SAGEMAKER = r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$"
_PIPELINE = r"^[A-Za-z0-9.@\-_]{1,100}$"
_EXTRA = {
    ("AWS::Athena::WorkGroup", "Name"): r"^[a-zA-Z0-9._-]{1,128}$",
    ("AWS::IAM::Role", "Description"): _LATIN,
    ("AWS::IAM::ManagedPolicy", "Description"): _LATIN,
    ("AWS::EC2::SecurityGroup", "GroupDescription"): r"^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*$",
    ("AWS::EC2::SecurityGroupIngress", "Description"): r"^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*$",
    ("AWS::EC2::SecurityGroupEgress", "Description"): r"^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*$",
    ("AWS::RDS::DBSubnetGroup", "DBSubnetGroupDescription"): r"^[\u0020-\u007E\u00A1-\u00FF]*$",
    ("AWS::SSM::Parameter", "Description"): r"^[^\u0000]{0,1024}$",
    # The schemas lack these patterns or their ends; the services match the whole name.
    # Sources: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html,
    # https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineDeclaration.html and API_StageDeclaration.html,
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html and those of the other types.
    ("AWS::CodeBuild::Project", "Name"): r"^[A-Za-z0-9][A-Za-z0-9\-_]{1,254}$",
    ("AWS::CodePipeline::Pipeline", "Name"): _PIPELINE,
    ("AWS::CodePipeline::Pipeline", "Stages.*.Name"): _PIPELINE,
    ("AWS::CodePipeline::Webhook", "Name"): _PIPELINE,
    ("AWS::SageMaker::App", "AppName"): _SAGEMAKER,
    ("AWS::SageMaker::App", "UserProfileName"): _SAGEMAKER,
    ("AWS::SageMaker::AppImageConfig", "AppImageConfigName"): _SAGEMAKER,
    ("AWS::SageMaker::Domain", "DomainName"): _SAGEMAKER,
    ("AWS::SageMaker::FeatureGroup", "FeatureGroupName"): r"^[a-zA-Z0-9]([_-]*[a-zA-Z0-9])*$",
    ("AWS::SageMaker::InferenceExperiment", "EndpointName"): _SAGEMAKER,
    ("AWS::SageMaker::PartnerApp", "Name"): r"^[a-zA-Z0-9]+$",
    ("AWS::SageMaker::Pipeline", "PipelineDisplayName"): _SAGEMAKER,
    ("AWS::SageMaker::Pipeline", "PipelineName"): _SAGEMAKER,
    ("AWS::SageMaker::ProcessingJob", "ProcessingJobName"): _SAGEMAKER,
    ("AWS::SageMaker::StudioLifecycleConfig", "StudioLifecycleConfigName"): _SAGEMAKER,
}

# The most that a service takes where the schema allows more, but for resources with some other property.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MOST = {
    ("AWS::Lambda::Function", "Timeout"): (900, "CapacityProviderConfig"),
    ("AWS::Lambda::Function", "MemorySize"): (10240, "CapacityProviderConfig"),
}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    if not resource.type.startswith("AWS::") or resource.type.startswith("AWS::Serverless::"):
        return
    content = view.schema(resource.type)
    if content is None:
        if resource.type not in ("AWS::CloudFormation::CustomResource", "AWS::CDK::Metadata"):
            elsewhere = schema(resource.type) is not None
            what = f"{view.region} does not have this type" if elsewhere else "there is no such type"
            yield Fault(
                "Type",
                resource.type,
                what,
                error=f"Template format error: Unrecognized resource types: [{resource.type}]",
            )
        return
    yield from _walk(resource, content, view)


def _walk(resource: Resource, content: dict[str, Any], view: View) -> Iterator[Fault]:
    top = {"properties": content.get("properties", {}), "required": content.get("required", []),
           "additionalProperties": content.get("additionalProperties", True)}  # fmt: skip
    stack: list[tuple[str, Any, Any]] = [("", resource.properties, top)]
    while stack:
        path, given, rules = stack.pop()
        rules = _resolved(rules, content)
        if not isinstance(rules, dict):
            continue
        for value in cases(given):
            if isinstance(value, dict) and not is_function(value):
                yield from _names(path, value, rules)
                known = rules.get("properties", {})
                named = rules.get("patternProperties") or {}
                for name, inner in value.items():
                    follow = known.get(name) or next(iter(named.values()), None)
                    if follow is not None:
                        stack.append((f"{path}.{name}" if path else name, inner, follow))
            elif isinstance(value, list):
                stack += [(f"{path}.{place}", one, rules.get("items")) for place, one in enumerate(value)]
            else:
                yield from _value(resource, path, value, rules, view)


def _resolved(rules: Any, content: dict[str, Any]) -> Any:
    for _ in range(4):
        reference = rules.get("$ref") if isinstance(rules, dict) else None
        if not isinstance(reference, str):
            return rules
        at: Any = content
        for step in reference.removeprefix("#/").split("/"):
            at = at.get(step) if isinstance(at, dict) else None
        rules = at
    return rules


def _names(path: str, value: dict[str, Any], rules: dict[str, Any]) -> Iterator[Fault]:
    known = rules.get("properties")
    if (
        isinstance(known, dict)
        and known
        and rules.get("additionalProperties") is False
        and not rules.get("patternProperties")
    ):
        for name in value:
            if name not in known and not name.startswith("Fn::"):
                where = f"{path}.{name}" if path else name
                yield Fault(where, value[name], "there is no such property", error="Encountered unsupported property " + name,
                            fix="Take the property out, or correct its name.")  # fmt: skip
    for name in rules.get("required", []):
        if name not in value and not any(key.startswith("Fn::") for key in value):
            where = f"{path}.{name}" if path else name
            error = f"Properties validation failed for resource with message: #: required key [{name}] not found"
            yield Fault(where, None, "the property is required", error=error, fix=f"Set {name}.")


def _value(resource: Resource, path: str, value: Any, rules: dict[str, Any], view: View) -> Iterator[Fault]:
    kinds = rules.get("type")
    if kinds in ("integer", "number"):
        yield from _amount(resource, path, value, rules)
    if value is None or not (kinds == "string" or (isinstance(kinds, list) and "string" in kinds)):
        return
    # Only a single text has a form of its own; elsewhere it may be any of several kinds.
    found = view.text(value)
    if found is None:
        return
    name = next((step for step in reversed(path.split(".")) if not step.isdigit()), path)
    said = _SAID.get((resource.type, name)) or f"Value at '{name}' failed to satisfy constraint (ValidationException)"
    plain = "${" not in found
    choices = rules.get("enum")
    if plain and isinstance(choices, list) and kinds == "string" and found not in [str(one) for one in choices]:
        listed = ", ".join(map(str, choices[:12]))
        yield Fault(
            path,
            found,
            f"it is none of {listed}{' …' if len(choices) > 12 else ''}",
            error=said,
            fix="Use one of these.",
        )
        return
    yield from _length(path, found, rules, said, view)
    patterns = [rules.get("pattern"), _EXTRA.get((resource.type, _PLACE.sub(".*", path)))]
    for pattern in patterns:
        if isinstance(pattern, str) and len(found) <= 1024 and _breaks(pattern, found, plain=plain):
            yield Fault(
                path, found, f"it holds characters or a form that the service refuses ({pattern[:80]})", error=said
            )
            return


def _amount(resource: Resource, path: str, value: Any, rules: dict[str, Any]) -> Iterator[Fault]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    choices, least, most = rules.get("enum"), rules.get("minimum"), rules.get("maximum")
    most, unless = _MOST.get((resource.type, path), (most, ""))
    if unless and unless in resource.properties:
        most = rules.get("maximum")
    said = f"Value at '{path}' failed to satisfy constraint (ValidationException)"
    if isinstance(choices, list) and value not in choices:
        yield Fault(path, value, f"it is none of {', '.join(map(str, choices))}", error=said, fix="Use one of these.")
    elif isinstance(least, (int, float)) and value < least:
        yield Fault(path, value, f"{least} is the least", error=said, fix="Raise it.")
    elif isinstance(most, (int, float)) and value > most:
        yield Fault(path, value, f"{most} is the most", error=said, fix="Lower it.")


def _length(path: str, found: str, rules: dict[str, Any], said: str, view: View) -> Iterator[Fault]:
    most, least = rules.get("maxLength"), rules.get("minLength")
    literal = len(_TOKEN.sub("", found))
    sizes = {
        name: (len(view.stack) if name == "AWS::StackName" and view.stack else longest)
        for name, longest in _LONGEST.items()
    }
    if isinstance(most, int):
        unknown = [name for name in _TOKEN.findall(found) if name not in sizes]
        longest = literal + sum(sizes.get(name, 0) for name in _TOKEN.findall(found))
        surely = literal > most or (
            not unknown and longest > most and (bool(view.stack) or "AWS::StackName" not in found)
        )
        if surely or (not unknown and longest > most):
            yield Fault(path, found, f"it may get {longest} characters long, {most} are allowed", error=said,
                        fix="Shorten it.", undecided=not surely)  # fmt: skip
    if isinstance(least, int) and literal < least and "${" not in found:
        yield Fault(path, found, f"it has {literal} characters, {least} are needed", error=said, fix="Lengthen it.")


def _breaks(pattern: str, found: str, *, plain: bool) -> bool:
    compiled = _compiled(pattern)
    if compiled is None:
        return False
    if plain:
        return compiled.search(found) is None
    # Of a text that deployment completes, only its own characters can be judged.
    own = _TOKEN.sub("x", found)
    simple = "".join(sign if ord(sign) < 127 else "x" for sign in own)
    return own != simple and compiled.search(own) is None and compiled.search(simple) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None  # written for another dialect of regular expressions


CHECK = Check(
    id="deploy-values-within-schema",
    title="Types, properties and values are ones that CloudFormation takes in the region",
    phase="create",
    why="A name that is too long, a character that a service refuses or a type that a region lacks fails the deployment.",
    fix="Use the characters and the length that the property's page allows.",
    error="Properties validation failed for resource",
    sources=(
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html",
        "https://github.com/psd401/aistudio/pull/1049",
        "https://github.com/ministackorg/ministack/issues/1411",
    ),
    covers=("DF-139", "DF-141"),
    types=("*",),
    look=look,
)
