"""Policies fit into what IAM and the services take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import as_list, cases, is_function

# What a reference may expand to at worst: ARNs of resources with generated names.
_LONGEST = 120
_PSEUDO = {"AWS::AccountId": 12, "AWS::Region": 14, "AWS::Partition": 10, "AWS::URLSuffix": 16, "AWS::StackName": 60}
_ALONE = {
    "AWS::IAM::ManagedPolicy": ("PolicyDocument", 6144, "Cannot exceed quota for PolicySize: 6144 (LimitExceeded)"),
    "AWS::S3::BucketPolicy": ("PolicyDocument", 20480, "Policy has exceeded the maximum size (PolicyTooLarge)"),
    "AWS::KMS::Key": ("KeyPolicy", 32768, "Key policy exceeds 32768 bytes (LimitExceededException)"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", 8192, "Invalid value for the parameter Policy"),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", 30720, "Invalid parameter: Policy Error: too large"),
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", 20480, "Policy size limit exceeded (InvalidPolicyDocument)"),
    "AWS::SecretsManager::ResourcePolicy": ("ResourcePolicy", 20480, "The resource policy is too long"),
    "AWS::ECR::Repository": ("RepositoryPolicyText", 10240, "Invalid parameter at 'PolicyText': too long"),
    "AWS::Logs::ResourcePolicy": (
        "PolicyDocument",
        5120,
        "Resource policy document length exceeded (LimitExceededException)",
    ),
}
_INLINE = {"AWS::IAM::Role": 10240, "AWS::IAM::Group": 5120, "AWS::IAM::User": 2048}
_INLINE_TYPES = {"AWS::IAM::Policy": ("Roles", "Users", "Groups"), "AWS::IAM::RolePolicy": ("RoleName",),
                 "AWS::IAM::UserPolicy": ("UserName",), "AWS::IAM::GroupPolicy": ("GroupName",)}  # fmt: skip
_TOKEN = re.compile(r"\$\{([^}]*)\}")


def size(value: Any) -> int:
    """The length of a value as JSON without white space, with references at their longest."""
    total, stack = 0, [value]
    while stack:
        current = stack.pop()
        if is_function(current):
            total += _function(current)
        elif isinstance(current, dict):
            total += 2 + sum(len(str(key)) + 4 for key in current)
            stack += current.values()
        elif isinstance(current, list):
            total += 2 + max(0, len(current) - 1)
            stack += current
        else:
            total += len(json.dumps(current))
    return total


def _function(value: dict[str, Any]) -> int:
    name, argument = next(iter(value.items()))
    if name == "Ref":
        return _PSEUDO.get(argument, _LONGEST) + 2
    if name == "Fn::Sub":
        given = argument if isinstance(argument, str) else argument[0]
        return len(_TOKEN.sub("", given)) + 2 + sum(_PSEUDO.get(one, _LONGEST) for one in _TOKEN.findall(given))
    if name == "Fn::Join" and isinstance(argument[1], list):
        parts = argument[1]
        inner = sum(_function(one) - 2 if is_function(one) else len(str(one)) for one in parts)
        return inner + len(str(argument[0])) * max(0, len(parts) - 1) + 2
    if name == "Fn::If":
        return max((size(one) for one in cases(value) if not is_function(one)), default=_LONGEST)
    return _LONGEST + 2


def look(resource: Resource, view: View) -> Iterable[Fault]:
    if resource.type in _ALONE:
        path, most, error = _ALONE[resource.type]
        for where, document in view.listed(resource, path):
            yield from _too_big(where, size(document), most, error, "the policy")
    if resource.type in _INLINE:
        held = size_of_inline(resource, view)
        most = _INLINE[resource.type]
        noun = resource.type.rpartition("::")[2].lower()
        error = f"Maximum policy size of {most} bytes exceeded for {noun} <{noun}> (LimitExceeded)"
        yield from _too_big("Policies", held, most, error, f"all inline policies of {resource.logical_id} together")
    if resource.type == "AWS::IAM::Role":
        trust = size(resource.properties.get("AssumeRolePolicyDocument"))
        error = "Cannot exceed quota for ACLSizePerRole: 2048 (LimitExceeded)"
        yield from _too_big("AssumeRolePolicyDocument", trust, 2048, error, "the trust policy")
        count = len(as_list(resource.properties.get("ManagedPolicyArns"))) + sum(
            one.type == "AWS::IAM::ManagedPolicy" for one in view.roles.separate(resource)
        )
        if count > 10:
            error = "Cannot exceed quota for PoliciesPerRole: 10 (LimitExceeded)"
            yield Fault("ManagedPolicyArns", count, "more than 10 managed policies are attached", error=error)


def size_of_inline(owner: Resource, view: View) -> int:
    """The size of all inline policies of a role, user or group."""
    sizes: dict[str, int] = view.memory.setdefault("inline sizes", {})
    if not sizes:
        sizes[""] = 0
        for type_, paths in _INLINE_TYPES.items():
            for policy in view.of(type_):
                length = size(policy.properties.get("PolicyDocument"))
                for path in paths:
                    for value in as_list(policy.properties.get(path)):
                        if (found := view.target(value)) is not None:
                            sizes[found.logical_id] = sizes.get(found.logical_id, 0) + length
    own = sum(size(document) for _, document in owner.each("Policies.*.PolicyDocument"))
    return own + sizes.get(owner.logical_id, 0)


def _too_big(path: str, found: int, most: int, error: str, what: str) -> Iterator[Fault]:
    if found > most:
        yield Fault(path, found, f"{what} may have {found} characters, {most} are allowed", error=error)


CHECK = Check(
    id="deploy-policies-within-size",
    title="Policies are within the size that IAM and the services take",
    phase="create",
    why="Grants add up in one document, and inline policies of a role count together.",
    fix="Move statements into managed policies, shorten them with patterns, or split the role.",
    error="Maximum policy size of 10240 bytes exceeded for role <role> (LimitExceeded)",
    sources=(
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
        "https://github.com/aws/aws-cdk/issues/4465",
        "https://github.com/aws/aws-cdk/issues/18457",
    ),
    covers=("DF-037",),
    types=(*_INLINE, *_ALONE),
    look=look,
)
