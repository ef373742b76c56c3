"""References inside a template, as CloudFormation writes them.

Every question to CDK's engine is a message to another process. What Python knows already - where a construct stands,
what CDK will call it - is answered here; ``tests/stacks/test_names.py`` holds the answers against CDK's own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol, cast

import aws_cdk as cdk
from constructs import IConstruct

from stacks.settings import Settings

# The bucket of CDK's bootstrap, where archives lie before a stack is created.
ASSETS_ARN = "arn:${AWS::Partition}:s3:::cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"

_PATH, _STACK = "_labs_path", "_labs_stack"


class Lab(Protocol):
    """What nouns know of the stack they stand in."""

    name: str
    settings: Settings

    def at_the_end(self, create: Callable[[], None]) -> None:
        """Create something when the lab is built and all that it must serve is known."""

    def order(self, resource: cdk.CfnResource, *, after: Callable[[], Sequence[IConstruct]]) -> None:
        """Let CloudFormation create a resource after others, and delete it before them."""

    def to_json_string(self, obj: Any) -> str:
        """A text of JSON in which references stay references."""


def placed(construct: IConstruct, scope: IConstruct, id: str) -> None:
    """Note where a construct stands, so that nobody needs to ask CDK."""
    construct.__dict__[_STACK] = stack_of(scope)
    construct.__dict__[_PATH] = f"{path_of(scope)}/{id}"


def stack_of(construct: IConstruct) -> Lab:
    """The stack that a construct belongs to."""
    known = construct.__dict__
    if _STACK not in known:
        known[_STACK] = cdk.Stack.of(construct)
    return cast(Lab, known[_STACK])


def path_of(construct: IConstruct) -> str:
    """The construct's path, such as ``Lab-d3-realtime-endpoint/Network/Vpc``."""
    known = construct.__dict__
    if _PATH not in known:
        known[_PATH] = construct.node.path
    return str(known[_PATH])


def logical_id(resource: IConstruct) -> str:
    """The name that the template gives a resource."""
    return _logical_id(path_of(resource))


def ref(resource: IConstruct) -> str:
    """The resource's ``Ref``, for properties that CDK types as text."""
    return _token("Ref", logical_id(resource), "")


def att(resource: IConstruct, attribute: str) -> str:
    """An attribute of the resource, for properties that CDK types as text."""
    return _token("Fn::GetAtt", logical_id(resource), attribute)


def sub(text: str) -> dict[str, str]:
    """A text in which CloudFormation replaces ``${Key.Arn}`` and ``${AWS::Partition}``."""
    return {"Fn::Sub": text}


@cache
def sub_text(text: str) -> str:
    """The same for properties that CDK types as text."""
    return cdk.Token.as_string(sub(text))


@cache
def first_zone(number: int) -> str:
    """One of the region's zones as the account sees them, counted from 0."""
    return cdk.Token.as_string({"Fn::Select": [number, {"Fn::GetAZs": ""}]})


def flat(value: Any) -> str:
    """A reference as cdk-nag prints it in finding ids, such as ``<Bucket.Arn>/train/*``."""
    text = value["Fn::Sub"] if isinstance(value, dict) else value
    return str(text).replace("${", "<").replace("}", ">")


def service(principal: str, scope: IConstruct) -> str:
    """A regional service principal with the partition's suffix, such as ``logs.eu-west-1.amazonaws.com``.

    The suffix matters in the aws-cn partition, where Logs is ``logs.cn-north-1.amazonaws.com.cn``.
    """
    settings = stack_of(scope).settings
    suffix = "amazonaws.com.cn" if settings.partition == "aws-cn" else "amazonaws.com"
    return f"{principal}.{settings.region}.{suffix}"


@cache
def _token(function: str, name: str, attribute: str) -> str:
    return cdk.Token.as_string({function: [name, attribute] if attribute else name})


@cache
def _logical_id(path: str) -> str:
    """CDK's own naming: the path without the stack, and a hash of it unless it is a single name."""
    parts = [part for part in path.split("/")[1:] if part != "Default"]
    if len(parts) == 1:
        return re.sub(r"[^A-Za-z0-9]", "", parts[0])
    digest = hashlib.md5("/".join(parts).encode(), usedforsecurity=False).hexdigest()[:8].upper()
    kept: list[str] = []
    for part in parts:
        if not kept or not kept[-1].endswith(part):
            kept.append(part)
    human = "".join(re.sub(r"[^A-Za-z0-9]", "", part) for part in kept if part != "Resource")
    return human[:240] + digest
