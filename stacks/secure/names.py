"""References inside a template, as CloudFormation writes them."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import IConstruct


def sub(text: str) -> dict[str, str]:
    """A text in which CloudFormation replaces ``${Key.Arn}`` and ``${AWS::Partition}``."""
    return {"Fn::Sub": text}


def sub_text(text: str) -> str:
    """The same for properties that CDK types as text."""
    return cdk.Token.as_string(sub(text))


def logical_id(resource: cdk.CfnElement) -> str:
    """The name that the template gives a resource."""
    return str(cdk.Stack.of(resource).get_logical_id(resource))


def flat(value: Any) -> str:
    """A reference as cdk-nag prints it in finding ids, such as ``<Bucket.Arn>/train/*``."""
    text = value["Fn::Sub"] if isinstance(value, dict) else value
    return str(text).replace("${", "<").replace("}", ">")


def service(principal: str, scope: IConstruct) -> str:
    """A regional service principal with the partition's suffix, such as ``logs.eu-west-1.amazonaws.com``.

    The suffix matters in the aws-cn partition, where Logs is ``logs.cn-north-1.amazonaws.com.cn``.
    """
    stack = cdk.Stack.of(scope)
    suffix = "amazonaws.com.cn" if str(stack.region).startswith("cn-") else "amazonaws.com"
    return f"{principal}.{stack.region}.{suffix}"
