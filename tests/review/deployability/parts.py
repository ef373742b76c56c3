"""Pieces of templates, and the form of a case: a template that fails and what repairs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Resources = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One failure: what a check must say of a template, and what must silence it.

    Args:
        name: what the failure is, in words.
        check: id of the check.
        broken: resources that fail.
        repair: resources that replace or join them; ``None`` removes one.
        says: a part of what the check must say.
        entry: the entry of the catalogue of failures, if it is one of them.
        unknown: the check cannot decide without the account, and says so.
        on: the resource that is named, if it matters.
    """

    name: str
    check: str
    broken: Resources
    repair: Resources
    says: str = ""
    entry: str = ""
    unknown: bool = False
    on: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def repaired(self) -> Resources:
        return {name: body for name, body in (self.broken | self.repair).items() if body is not None}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def arn(name: str, attribute: str = "Arn") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


def one(
    type_: str, depends: str | list[str] | None = None, /, policy: str | None = None, **properties: Any
) -> dict[str, Any]:
    """A resource."""
    body: dict[str, Any] = {"Type": type_, "Properties": properties}
    if depends:
        body["DependsOn"] = depends
    if policy:
        body["DeletionPolicy"] = policy
    return body


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: str | list[str], resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource} | more


ROOT = {"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}
ADMIN = allow("kms:*", Principal=ROOT)
ALL_OF_KEY = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:DescribeKey",
    "kms:CreateGrant",
]


def key(*services: str, admin: bool = True, **condition: Any) -> dict[str, Any]:
    """A key that the account administers and some services use."""
    statements = [ADMIN] if admin else []
    more = {"Condition": condition["when"]} if "when" in condition else {}
    statements += [allow(ALL_OF_KEY, Principal={"Service": service}, **more) for service in services]
    return one("AWS::KMS::Key", KeyPolicy=document(*statements))


def role(service: str, *statements: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """A role with its permissions inside."""
    trust = document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})
    inside = {"Policies": [{"PolicyName": "inside", "PolicyDocument": document(*statements)}]} if statements else {}
    return one("AWS::IAM::Role", AssumeRolePolicyDocument=trust, **inside, **properties)


def policy(role_: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """A policy that attaches itself to a role."""
    return one("AWS::IAM::Policy", PolicyName="beside", PolicyDocument=document(*statements), Roles=[ref(role_)])


def depending(body: dict[str, Any], *names: str) -> dict[str, Any]:
    """The same resource, waiting for others."""
    return body | {"DependsOn": list(names)}


def having(body: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """The same resource with other properties; ``None`` takes one away."""
    merged = body["Properties"] | properties
    return body | {"Properties": {name: value for name, value in merged.items() if value is not None}}


CODE = {"S3Bucket": "code-of-the-functions", "S3Key": "code.zip"}


def function(role_: Any = "arn:aws:iam::123456789012:role/elsewhere", **properties: Any) -> dict[str, Any]:
    given = arn(role_) if isinstance(role_, str) and ":" not in role_ else role_
    return one(
        "AWS::Lambda::Function", Code=CODE, Handler="index.handler", Runtime="python3.14", Role=given, **properties
    )


def subnets(count: int = 2, *, size: int = 24, routed: bool = True, **more: Any) -> Resources:
    """A VPC with subnets in different zones, without any way out."""
    found: Resources = {
        "Vpc": one("AWS::EC2::VPC", CidrBlock="10.0.0.0/16", EnableDnsHostnames=True, EnableDnsSupport=True),
        "Routes": one("AWS::EC2::RouteTable", VpcId=ref("Vpc")),
        "Group": one("AWS::EC2::SecurityGroup", GroupDescription="workloads", VpcId=ref("Vpc")),
    }
    zones = more.get("zones", [f"us-east-1{'abcdef'[place]}" for place in range(count)])
    for place in range(count):
        found[f"Subnet{place}"] = one(
            "AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock=f"10.0.{place}.0/{size}", AvailabilityZone=zones[place]
        )
        if routed:
            found[f"Subnet{place}Routes"] = one(
                "AWS::EC2::SubnetRouteTableAssociation", SubnetId=ref(f"Subnet{place}"), RouteTableId=ref("Routes")
            )
    return found


def subnet_refs(count: int = 2) -> list[dict[str, str]]:
    return [ref(f"Subnet{place}") for place in range(count)]


def gateway(service: str = "s3", **properties: Any) -> dict[str, Any]:
    return one(
        "AWS::EC2::VPCEndpoint",
        VpcId=ref("Vpc"),
        ServiceName=f"com.amazonaws.us-east-1.{service}",
        RouteTableIds=[ref("Routes")],
        **properties,
    )


def interface(service: str, **properties: Any) -> dict[str, Any]:
    return one(
        "AWS::EC2::VPCEndpoint",
        **{
            "VpcId": ref("Vpc"), "ServiceName": f"com.amazonaws.us-east-1.{service}", "VpcEndpointType": "Interface",
            "PrivateDnsEnabled": True, "SubnetIds": subnet_refs(), "SecurityGroupIds": [arn("Doors", "GroupId")],
        } | properties,
    )  # fmt: skip


def doors(*rules: dict[str, Any]) -> dict[str, Any]:
    """The security group of endpoints."""
    return one(
        "AWS::EC2::SecurityGroup", GroupDescription="endpoints", VpcId=ref("Vpc"), SecurityGroupIngress=list(rules)
    )


def interfaces(*services: str) -> Resources:
    """Endpoints for some services, with a group that lets the VPC in."""
    found: Resources = {"Doors": doors({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/16"})}
    for service in services:
        name = "".join(part.title() for part in service.replace("-", ".").split("."))
        found[f"To{name}"] = interface(service)
    return found
