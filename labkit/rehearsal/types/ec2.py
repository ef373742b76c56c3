"""EC2 networks: VPCs, subnets, routes and gateways; stored and readable, no packet flows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from labkit.rehearsal.types.ec2common import refuse_if_used, tag
from labkit.rehearsal.types.row import Made, Row, Scene
from labkit.rehearsal.types.securitygroups import ROWS as SECURITY_GROUPS
from labkit.rehearsal.types.table import by, deleting, simple
from labkit.rehearsal.types.vpcendpoints import ROWS as ENDPOINTS

NO_PACKETS = "stored; no packet flows"


def _on(value: Any) -> bool:
    return str(value).lower() == "true"


def _create_vpc(scene: Scene) -> Made:
    given = scene.take("CidrBlock", "InstanceTenancy", "Ipv4IpamPoolId", "Ipv4NetmaskLength")
    scene.physical_id = scene.call("ec2", "CreateVpc", given)["Vpc"]["VpcId"]
    return _configure_vpc(scene)


def _configure_vpc(scene: Scene) -> Made:
    vpc = scene.physical_id
    scene.take("CidrBlock", "InstanceTenancy", "Ipv4IpamPoolId", "Ipv4NetmaskLength")
    for name, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
        given = scene.take(name).get(name, default)
        if scene.changed(name):
            scene.call("ec2", "ModifyVpcAttribute", {"VpcId": vpc, name: {"Value": _on(given)}})
    tag(scene)
    described = scene.call("ec2", "DescribeVpcs", {"VpcIds": [vpc]})["Vpcs"][0]
    of_vpc = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]}
    group = scene.call("ec2", "DescribeSecurityGroups", of_vpc)["SecurityGroups"][0]
    acl = scene.call("ec2", "DescribeNetworkAcls", {"Filters": [of_vpc["Filters"][0]]})["NetworkAcls"][0]
    return Made(
        vpc,
        {
            "VpcId": vpc,
            "CidrBlock": described["CidrBlock"],
            "DefaultSecurityGroup": group["GroupId"],
            "DefaultNetworkAcl": acl["NetworkAclId"],
            "CidrBlockAssociations": [item["AssociationId"] for item in described.get("CidrBlockAssociationSet", [])],
            "Ipv6CidrBlocks": [],
        },
    )


def _delete_vpc(scene: Scene) -> None:
    refuse_if_used(scene, "vpc", scene.physical_id, but_default=True)
    scene.call("ec2", "DeleteVpc", {"VpcId": scene.physical_id})


def _create_subnet(scene: Scene) -> Made:
    given = scene.take("AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "VpcId", "Ipv6CidrBlock")
    subnet = scene.call("ec2", "CreateSubnet", given)["Subnet"]
    scene.physical_id = subnet["SubnetId"]
    return _configure_subnet(scene)


def _configure_subnet(scene: Scene) -> Made:
    scene.take("AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "VpcId", "Ipv6CidrBlock")
    for name in ("MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation"):
        given = scene.take(name).get(name, False)
        if scene.changed(name):
            scene.call("ec2", "ModifySubnetAttribute", {"SubnetId": scene.physical_id, name: {"Value": _on(given)}})
    tag(scene)
    subnet = scene.call("ec2", "DescribeSubnets", {"SubnetIds": [scene.physical_id]})["Subnets"][0]
    return Made(
        scene.physical_id,
        {
            "SubnetId": scene.physical_id,
            "AvailabilityZone": subnet["AvailabilityZone"],
            "VpcId": subnet["VpcId"],
            "CidrBlock": subnet["CidrBlock"],
            "Ipv6CidrBlocks": [],
            "NetworkAclAssociationId": "",
        },
    )


def _delete_nat(scene: Scene) -> None:
    one = {"NatGatewayIds": [scene.physical_id]}
    addresses = scene.call("ec2", "DescribeNatGateways", one)["NatGateways"][0]["NatGatewayAddresses"]
    scene.call("ec2", "DeleteNatGateway", {"NatGatewayId": scene.physical_id})
    # AWS removes the gateway's network interface with it; moto keeps it.
    for address in addresses:
        if "NetworkInterfaceId" in address:
            scene.call("ec2", "DeleteNetworkInterface", {"NetworkInterfaceId": address["NetworkInterfaceId"]})


def _delete_subnet(scene: Scene) -> None:
    refuse_if_used(scene, "subnet", scene.physical_id)
    scene.call("ec2", "DeleteSubnet", {"SubnetId": scene.physical_id})


def _tagged(
    create: str, member: str, identifier: str, attributes: Callable[[dict[str, Any]], dict[str, Any]]
) -> Callable[[Scene], Made]:
    def make(scene: Scene) -> Made:
        if scene.old:
            given_before = {name: item for name, item in scene.properties.items() if name != "Tags"}
            scene.take(*given_before)
            tag(scene)
            return Made(scene.physical_id, scene.attributes)
        given = {name: item for name, item in scene.properties.items() if name != "Tags"}
        scene.take(*given)
        answer = scene.call("ec2", create, given)
        made = answer[member] if member else answer
        scene.physical_id = made[identifier]
        tag(scene)
        return Made(scene.physical_id, attributes(made))

    return make


def _create_route(scene: Scene) -> Made:
    given = scene.rest()
    scene.call("ec2", "ReplaceRoute" if scene.old else "CreateRoute", given)
    destination = (
        given.get("DestinationCidrBlock")
        or given.get("DestinationIpv6CidrBlock")
        or given.get("DestinationPrefixListId")
    )
    return Made(f"{given['RouteTableId']}|{destination}", {"CidrBlock": destination})


def _delete_route(scene: Scene) -> None:
    names = ("RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    scene.call("ec2", "DeleteRoute", {name: scene.properties[name] for name in names if name in scene.properties})


def _attach_gateway(scene: Scene) -> Made:
    given = scene.rest()
    if "InternetGatewayId" in given:
        scene.call("ec2", "AttachInternetGateway", given)
        return Made(f"IGW|{given['VpcId']}", {"AttachmentType": "IGW"})
    scene.call("ec2", "AttachVpnGateway", given)
    return Made(f"VGW|{given['VpcId']}", {"AttachmentType": "VGW"})


def _detach_gateway(scene: Scene) -> None:
    given = scene.properties
    scene.call("ec2", "DetachInternetGateway" if "InternetGatewayId" in given else "DetachVpnGateway", given)


def _flow_log(scene: Scene) -> Made:
    given = scene.take(*[name for name in scene.properties if name != "Tags"])
    sent = {("ResourceIds" if name == "ResourceId" else name): item for name, item in given.items()}
    answer = scene.call("ec2", "CreateFlowLogs", sent)
    if answer.get("Unsuccessful"):
        from labkit.rehearsal.stacks.faults import ResourceFailed

        raise ResourceFailed(str(answer["Unsuccessful"][0]["Error"]))
    scene.physical_id = answer["FlowLogIds"][0]
    tag(scene)
    read = scene.call("ec2", "DescribeFlowLogs", {"FlowLogIds": [scene.physical_id]})["FlowLogs"][0]
    scene.kept({name: item for name, item in given.items() if name != "ResourceType"}, read)
    return Made(scene.physical_id, {"Id": scene.physical_id})


def _retag(scene: Scene) -> Made:
    scene.take(*[name for name in scene.properties if name != "Tags"])
    tag(scene)
    return Made(scene.physical_id, scene.attributes)


def _tagged_row(
    type: str,
    create: str,
    member: str,
    identifier: str,
    delete: str,
    *,
    attributes: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> Row:
    step = _tagged(
        create, member, identifier, attributes or (lambda made: {identifier: made[identifier], "Id": made[identifier]})
    )

    def remove(scene: Scene) -> None:
        scene.call("ec2", delete, {identifier: scene.physical_id})

    return Row(type=type, label="recorded", create=step, update=step, delete=remove, notes=(NO_PACKETS,))


ROWS = [
    Row(
        type="AWS::EC2::VPC",
        label="recorded",
        create=_create_vpc,
        update=_configure_vpc,
        notes=(NO_PACKETS,),
        delete=_delete_vpc,
    ),
    Row(
        type="AWS::EC2::Subnet",
        label="recorded",
        create=_create_subnet,
        update=_configure_subnet,
        notes=(NO_PACKETS,),
        delete=_delete_subnet,
    ),
    _tagged_row("AWS::EC2::RouteTable", "CreateRouteTable", "RouteTable", "RouteTableId", "DeleteRouteTable"),
    _tagged_row(
        "AWS::EC2::InternetGateway",
        "CreateInternetGateway",
        "InternetGateway",
        "InternetGatewayId",
        "DeleteInternetGateway",
    ),
    replace(
        _tagged_row("AWS::EC2::NatGateway", "CreateNatGateway", "NatGateway", "NatGatewayId", "DeleteNatGateway"),
        delete=_delete_nat,
    ),
    _tagged_row("AWS::EC2::NetworkAcl", "CreateNetworkAcl", "NetworkAcl", "NetworkAclId", "DeleteNetworkAcl"),
    _tagged_row(
        "AWS::EC2::EIP",
        "AllocateAddress",
        "",
        "AllocationId",
        "ReleaseAddress",
        attributes=lambda made: {"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]},
    ),
    Row(
        type="AWS::EC2::Route",
        label="recorded",
        create=_create_route,
        update=_create_route,
        delete=_delete_route,
        notes=(NO_PACKETS,),
    ),
    Row(
        type="AWS::EC2::VPCGatewayAttachment",
        label="recorded",
        create=_attach_gateway,
        update=None,
        delete=_detach_gateway,
    ),
    simple(
        "AWS::EC2::SubnetRouteTableAssociation",
        "ec2",
        create="AssociateRouteTable",
        ref=lambda scene, answer: answer["AssociationId"],
        attributes=lambda scene, answer: {"Id": answer["AssociationId"]},
        delete=("DisassociateRouteTable", by("AssociationId")),
    ),
    Row(
        type="AWS::EC2::FlowLog",
        label="recorded",
        create=_flow_log,
        update=_retag,
        notes=("stored; nothing is logged, since no packet flows",),
        delete=deleting("ec2", "DeleteFlowLogs", lambda scene: {"FlowLogIds": [scene.physical_id]}),
    ),
    *SECURITY_GROUPS,
    *ENDPOINTS,
]
