"""Small templates for the prover's tests."""

from __future__ import annotations

from typing import Any

Template = dict[str, Any]
SOURCE = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def allow(action: Any, resource: Any = None, **more: Any) -> dict[str, Any]:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": action, **({} if resource is None else {"Resource": resource}), **more}


def deny(action: Any, resource: Any = None, **more: Any) -> dict[str, Any]:
    """A statement that denies."""
    return allow(action, resource, **more) | {"Effect": "Deny"}


def document(*statements: Any) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def role(*statements: Any, service: str = "lambda", trust: Any = None, **more: Any) -> dict[str, Any]:
    """A role with an inline policy and a narrow trust policy."""
    own = allow("sts:AssumeRole", Principal={"Service": f"{service}.amazonaws.com"}, Condition=SOURCE)
    properties: dict[str, Any] = {"AssumeRolePolicyDocument": document(trust or own)}
    if statements:
        properties["Policies"] = [{"PolicyName": "p", "PolicyDocument": document(*statements)}]
    return {"Type": "AWS::IAM::Role", "Properties": properties | more}


def resource(type_: str, **properties: Any) -> dict[str, Any]:
    """Any resource."""
    return {"Type": type_, "Properties": properties}


def bucket_policy(name: str, *statements: Any) -> dict[str, Any]:
    """A policy on a bucket of the template."""
    return resource("AWS::S3::BucketPolicy", Bucket={"Ref": name}, PolicyDocument=document(*statements))


def template(**resources: Any) -> Template:
    """A template of these resources."""
    return {"Resources": resources}


def att(name: str, attribute: str = "Arn") -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def sub(text: str) -> dict[str, Any]:
    return {"Fn::Sub": text}


BUCKET = resource("AWS::S3::Bucket")
