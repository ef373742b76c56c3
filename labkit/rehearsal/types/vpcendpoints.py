"""VPC endpoints: gateway and interface, with policy, security groups and private DNS."""

from __future__ import annotations

import json
from typing import Any

from labkit.rehearsal.stacks.faults import ResourceFailed
from labkit.rehearsal.types.ec2common import tag
from labkit.rehearsal.types.row import Made, Row, Scene

FIXED = ("VpcId", "VpcEndpointType", "ServiceName", "ServiceRegion")
CHANGING = ("PolicyDocument", "PrivateDnsEnabled", "RouteTableIds", "SecurityGroupIds", "SubnetIds")


def _create(scene: Scene) -> Made:
    given = scene.take(*FIXED, *CHANGING, "IpAddressType", "DnsOptions")
    kind = given.get("VpcEndpointType", "Gateway")
    if kind == "Interface" and str(given.get("PrivateDnsEnabled", "")).lower() == "true":
        _check_dns(scene, given)
    endpoint = scene.call("ec2", "CreateVpcEndpoint", given)["VpcEndpoint"]
    scene.physical_id = endpoint["VpcEndpointId"]
    tag(scene)
    read = _read(scene)
    scene.kept(
        {key: item for key, item in given.items() if key in CHANGING and key != "SecurityGroupIds"} | _groups(given),
        read,
    )
    return _made(scene, read)


def _groups(given: dict[str, Any]) -> dict[str, Any]:
    return (
        {"Groups": [{"GroupId": group} for group in given["SecurityGroupIds"]]} if "SecurityGroupIds" in given else {}
    )


def _check_dns(scene: Scene, given: dict[str, Any]) -> None:
    """Private DNS needs both DNS attributes of the VPC, and one endpoint per service and VPC.

    https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
    """
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
        name = attribute[0].lower() + attribute[1:]
        answer = scene.call("ec2", "DescribeVpcAttribute", {"VpcId": given["VpcId"], "Attribute": name})
        if not answer[attribute]["Value"]:
            raise ResourceFailed(
                f"Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {given['VpcId']}"
            )
    for other in scene.call(
        "ec2", "DescribeVpcEndpoints", {"Filters": [{"Name": "vpc-id", "Values": [given["VpcId"]]}]}
    )["VpcEndpoints"]:
        if (
            other["ServiceName"] == given["ServiceName"]
            and other.get("PrivateDnsEnabled")
            and other["State"].lower() not in ("deleted", "deleting")
        ):
            raise ResourceFailed(
                f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for {given['ServiceName']} in the VPC {given['VpcId']}"
            )


def _read(scene: Scene) -> dict[str, Any]:
    endpoint: dict[str, Any] = scene.call("ec2", "DescribeVpcEndpoints", {"VpcEndpointIds": [scene.physical_id]})[
        "VpcEndpoints"
    ][0]
    return endpoint


def _made(scene: Scene, read: dict[str, Any]) -> Made:
    names = [f"{entry.get('HostedZoneId', '')}:{entry.get('DnsName', '')}" for entry in read.get("DnsEntries", [])]
    return Made(
        scene.physical_id,
        {
            "Id": scene.physical_id,
            "DnsEntries": names,
            "NetworkInterfaceIds": read.get("NetworkInterfaceIds", []),
            "CreationTimestamp": str(read.get("CreationTimestamp", "")),
        },
    )


def _update(scene: Scene) -> Made:
    given = scene.rest()
    sent: dict[str, Any] = {"VpcEndpointId": scene.physical_id}
    if scene.changed("PolicyDocument"):
        sent |= (
            {"PolicyDocument": json.dumps(given["PolicyDocument"])}
            if "PolicyDocument" in given
            else {"ResetPolicy": True}
        )
    if scene.changed("PrivateDnsEnabled"):
        sent["PrivateDnsEnabled"] = given.get("PrivateDnsEnabled", False)
    for name, add, remove in (
        ("RouteTableIds", "AddRouteTableIds", "RemoveRouteTableIds"),
        ("SubnetIds", "AddSubnetIds", "RemoveSubnetIds"),
        ("SecurityGroupIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds"),
    ):
        wanted, before = given.get(name, []), scene.old.get(name, [])
        for key, items in (
            (add, [i for i in wanted if i not in before]),
            (remove, [i for i in before if i not in wanted]),
        ):
            if items:
                sent[key] = items
    if len(sent) > 1:
        scene.call("ec2", "ModifyVpcEndpoint", sent)
    scene.untaken["Tags"] = given.get("Tags", [])
    tag(scene)
    read = _read(scene)
    scene.kept(
        {key: item for key, item in given.items() if key in CHANGING and key != "SecurityGroupIds"} | _groups(given),
        read,
    )
    return _made(scene, read)


def _delete(scene: Scene) -> None:
    interfaces = _read(scene).get("NetworkInterfaceIds", [])
    scene.call("ec2", "DeleteVpcEndpoints", {"VpcEndpointIds": [scene.physical_id]})
    left = (
        scene.call(
            "ec2", "DescribeNetworkInterfaces", {"Filters": [{"Name": "network-interface-id", "Values": interfaces}]}
        )
        if interfaces
        else {}
    )
    for interface in left.get("NetworkInterfaces", []):
        scene.call("ec2", "DeleteNetworkInterface", {"NetworkInterfaceId": interface["NetworkInterfaceId"]})


ROWS = [
    Row(
        type="AWS::EC2::VPCEndpoint",
        label="recorded",
        create=_create,
        update=_update,
        delete=_delete,
        notes=("stored; its policy is not enforced and no packet flows",),
    ),
]
