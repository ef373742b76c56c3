"""A small isolated network with one function in it, and assemblies that pack code."""

from __future__ import annotations

import copy
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from labkit.assembly import Assembly
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab
from labkit.review.provers import isolation

Resources = dict[str, Any]
READS_AND_ASKS = """
import boto3

s3 = boto3.client("s3")
runtime = boto3.client("sagemaker-runtime")

def handler(event, context):
    s3.get_object(Bucket=event["bucket"], Key="k")
    return runtime.invoke_endpoint(EndpointName="e", Body=b"1")
"""
HERE = {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}


def one(type_: str, **properties: Any) -> dict[str, Any]:
    """A resource."""
    return {"Type": type_, "Properties": properties}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str = "Arn") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


def allowing(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """A policy document with one statement."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def endpoint(service: str, action: str, resource: Any = "*") -> dict[str, Any]:
    """An interface endpoint that lets one action through."""
    return one(
        "AWS::EC2::VPCEndpoint",
        VpcEndpointType="Interface",
        VpcId=ref("Vpc"),
        ServiceName=f"com.amazonaws.us-east-1.{service}",
        SubnetIds=[ref("Subnet")],
        SecurityGroupIds=[att("Gate", "GroupId")],
        PrivateDnsEnabled=True,
        PolicyDocument=allowing(action, resource, Principal={"AWS": "*"}, Condition=HERE),
    )


def network() -> Resources:
    """A VPC with one subnet, endpoints for S3 and for predictions, and the groups between them."""
    return {
        "Vpc": one("AWS::EC2::VPC", CidrBlock="10.0.0.0/16", EnableDnsSupport=True, EnableDnsHostnames=True),
        "Subnet": one("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.0.0/18"),
        "Routes": one("AWS::EC2::RouteTable", VpcId=ref("Vpc")),
        "Joined": one("AWS::EC2::SubnetRouteTableAssociation", SubnetId=ref("Subnet"), RouteTableId=ref("Routes")),
        "Gate": one(
            "AWS::EC2::SecurityGroup",
            VpcId=ref("Vpc"),
            SecurityGroupEgress=[{"IpProtocol": "icmp", "FromPort": 252, "ToPort": 86, "CidrIp": "255.255.255.255/32"}],
        ),
        "Work": one(
            "AWS::EC2::SecurityGroup",
            VpcId=ref("Vpc"),
            SecurityGroupEgress=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}],
        ),
        "In": one(
            "AWS::EC2::SecurityGroupIngress",
            GroupId=att("Gate", "GroupId"),
            IpProtocol="tcp",
            FromPort=443,
            ToPort=443,
            SourceSecurityGroupId=att("Work", "GroupId"),
        ),
        "S3": one(
            "AWS::EC2::VPCEndpoint",
            VpcEndpointType="Gateway",
            VpcId=ref("Vpc"),
            ServiceName="com.amazonaws.us-east-1.s3",
            RouteTableIds=[ref("Routes")],
            PolicyDocument=allowing(
                ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
                [sub("${Data.Arn}"), sub("${Data.Arn}/*")],
                Principal={"AWS": "*"},
            ),
        ),
        "Runtime": endpoint("sagemaker.runtime", "sagemaker:InvokeEndpoint"),
        "Data": one("AWS::S3::Bucket"),
    }


def role(*statements: Any, service: str = "lambda") -> dict[str, Any]:
    """A role for a service."""
    trust = allowing("sts:AssumeRole", Principal={"Service": f"{service}.amazonaws.com"})
    del trust["Statement"][0]["Resource"]
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return one(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument=trust,
        Policies=[{"PolicyName": "p", "PolicyDocument": document}] if statements else [],
    )


def may(action: Any, resource: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def function(code: str = READS_AND_ASKS, **more: Any) -> dict[str, Any]:
    """A function in the network whose code stands in the template."""
    return one(
        "AWS::Lambda::Function",
        Runtime="python3.13",
        Handler="index.handler",
        Role=att("Role"),
        Code={"ZipFile": code},
        VpcConfig={"SubnetIds": [ref("Subnet")], "SecurityGroupIds": [att("Work", "GroupId")]},
        **more,
    )


def whole(code: str = READS_AND_ASKS) -> Resources:
    """The network with a function that reads a bucket and asks an endpoint; nothing is wrong with it."""
    statements = (may("s3:GetObject", sub("${Data.Arn}/*")), may("sagemaker:InvokeEndpoint"))
    return network() | {"Role": role(*statements), "Asks": function(code)}


def model(**more: Any) -> dict[str, Any]:
    """A model in the network."""
    return one(
        "AWS::SageMaker::Model",
        ExecutionRoleArn=att("Role"),
        PrimaryContainer={"Image": "i", "ModelDataUrl": sub("s3://${Data}/model.tar.gz")},
        VpcConfig={"Subnets": [ref("Subnet")], "SecurityGroupIds": [att("Work", "GroupId")]},
        **more,
    )


def changed(resources: Resources, path: str, value: Any) -> Resources:
    """The resources with one value changed: ``Runtime.Properties.PrivateDnsEnabled``; ``None`` takes it out."""
    copied = copy.deepcopy(resources)
    *steps, last = path.split(".")
    place: Any = copied
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return copied


def proved(assembly: Assembly) -> list[Evidence]:
    return list(isolation.rows(Lab(assembly)))


def wrong(assembly: Assembly, rule: str = "") -> list[tuple[str, str, str]]:
    """(rule, resource, what is said) of what is open or unknown."""
    return [
        (row.rule, row.logical_id, row.evidence)
        for row in proved(assembly)
        if row.status in ("open", "unknown") and rule in ("", row.rule)
    ]


def pack(assembly: Assembly, key: str, files: dict[str, str]) -> None:
    """Put an archive into an assembly under an asset key; a key that ends in ``.gz`` is a gzipped tar."""
    path = assembly.folder / f"asset.{key}"
    if key.endswith(".gz"):
        with tarfile.open(path, "w:gz") as packed:
            for name, text in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(text.encode())
                packed.addfile(info, io.BytesIO(text.encode()))
    else:
        with zipfile.ZipFile(path, "w") as zipped:
            for name, text in files.items():
                zipped.writestr(name, text)
    list_ = assembly.folder / f"{assembly.stack}.assets.json"
    known = json.loads(list_.read_text()) if list_.exists() else {"files": {}}
    known["files"][key] = {
        "source": {"path": Path(path).name},
        "destinations": {"here": {"bucketName": "assets", "objectKey": key}},
    }
    list_.write_text(json.dumps(known))
