"""Pieces of templates, and what the prover says of them."""

from __future__ import annotations

import itertools
from typing import Any

from labkit.review.evidence import Evidence
from labkit.review.lab import Lab
from labkit.review.provers import removability
from tests.review.conftest import Make

COMPLETELY, PURPOSE, UNBLOCKED, ORDER = (rule.id for rule in removability.RULES)
Resources = dict[str, Any]
# A test may ask about several templates, each of which is a lab of its own.
_NUMBERS = itertools.count()


def one(type_: str, depends: list[str] | None = None, /, **properties: Any) -> dict[str, Any]:
    """A resource; ``DeletionPolicy`` and ``UpdateReplacePolicy`` go where they belong."""
    policies = {name: properties.pop(name) for name in ("DeletionPolicy", "UpdateReplacePolicy") if name in properties}
    return {"Type": type_, "Properties": properties, **policies, **({"DependsOn": depends} if depends else {})}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str = "Arn") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


def role(action: Any = None, resource: Any = "*", service: str = "lambda") -> dict[str, Any]:
    trust = {
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
        ]
    }
    document = {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    policies = [{"PolicyName": "p", "PolicyDocument": document}] if action else []
    return one("AWS::IAM::Role", AssumeRolePolicyDocument=trust, Policies=policies)


def hook(
    type_: str = "Custom::EmptyOnDelete", depends: list[str] | None = None, /, **properties: Any
) -> dict[str, Any]:
    return one(type_, depends, ServiceToken=att("Handler"), **properties)


HANDLER: Resources = {
    "HandlerRole": role(),
    "HandlerLogs": one("AWS::Logs::LogGroup"),
    "Handler": one("AWS::Lambda::Function", Role=att("HandlerRole"), LoggingConfig={"LogGroup": ref("HandlerLogs")}),
}
EMPTIED: Resources = {"Bucket": one("AWS::S3::Bucket"), "Emptied": hook(BucketName=ref("Bucket"))}

OBJECTS = sub("${Bucket.Arn}/*")


def passing(action: str, job: str = "JobRole", resource: Any = "*") -> dict[str, Any]:
    """A role that may start jobs, and give them one role."""
    made = role(action, resource)
    passes = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": att(job)}
    made["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].append(passes)
    return made


def rows(make: Make, resources: Resources, name: str, rule: str, lab: str = "d9_tiny") -> list[Evidence]:
    found = removability.rows(Lab(make(resources, lab=f"{lab}_{next(_NUMBERS)}")))
    return [row for row in found if row.logical_id == name and row.rule == rule]


def check(
    make: Make, rule: str, name: str, wrong: Resources, text: str, right: Resources, status: str = "open"
) -> None:
    """Both ways: what is wrong is told, what is right is not."""
    told = rows(make, wrong, name, rule, "d9_wrong")
    assert [row.status for row in told if text in row.evidence] == [status], [row.evidence for row in told]
    other = rows(make, right, name, rule, "d9_right")
    assert {row.status for row in other} <= {"pass"}, [row.evidence for row in other]
