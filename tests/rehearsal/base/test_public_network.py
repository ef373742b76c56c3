"""A network with a way out, which the labs avoid and a rehearsal must know all the same."""

from __future__ import annotations

from labkit.rehearsal.leftovers import compare
from tests.rehearsal.base.conftest import Cloud
from tests.rehearsal.base.every_type import att, ref, resource

PUBLIC = {
    "Vpc": resource("AWS::EC2::VPC", {"CidrBlock": "10.9.0.0/16"}),
    "Gateway": resource("AWS::EC2::InternetGateway", {}),
    "Attached": resource("AWS::EC2::VPCGatewayAttachment", {"VpcId": ref("Vpc"), "InternetGatewayId": ref("Gateway")}),
    "Subnet": resource("AWS::EC2::Subnet", {"VpcId": ref("Vpc"), "CidrBlock": "10.9.0.0/24"}),
    "Routes": resource("AWS::EC2::RouteTable", {"VpcId": ref("Vpc")}),
    "Out": resource(
        "AWS::EC2::Route",
        {"RouteTableId": ref("Routes"), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": ref("Gateway")},
        DependsOn="Attached",
    ),
    "Address": resource("AWS::EC2::EIP", {"Domain": "vpc"}, DependsOn="Attached"),
    "Nat": resource(
        "AWS::EC2::NatGateway", {"SubnetId": ref("Subnet"), "AllocationId": att("Address", "AllocationId")}
    ),
    "Acl": resource("AWS::EC2::NetworkAcl", {"VpcId": ref("Vpc")}),
}


def test_a_public_network_comes_and_goes(cloud: Cloud) -> None:
    """GIVEN gateways, a route and an address WHEN created and deleted THEN all was there and nothing is left."""
    before = cloud.emulator.get("inventory")

    stack = cloud.create(PUBLIC)

    assert (stack.status, stack.reasons("CREATE_FAILED")) == ("CREATE_COMPLETE", {})
    tables = cloud.client("ec2").describe_route_tables(RouteTableIds=[stack.physical("Routes")])["RouteTables"]
    assert stack.physical("Gateway") in [route.get("GatewayId") for route in tables[0]["Routes"]]
    assert (stack.delete(), stack.reasons("DELETE_FAILED")) == ("DELETE_COMPLETE", {})
    assert compare(before, cloud.emulator.get("inventory")) == ([], [])


def test_a_vpc_in_use_is_not_deleted(cloud: Cloud) -> None:
    """GIVEN a VPC in which somebody else made a security group WHEN deleted THEN the deletion fails and says so."""
    stack = cloud.create({"Vpc": resource("AWS::EC2::VPC", {"CidrBlock": "10.8.0.0/16"})})
    ec2 = cloud.client("ec2")
    group = ec2.create_security_group(GroupName="foreign", Description="foreign", VpcId=stack.physical("Vpc"))[
        "GroupId"
    ]

    assert stack.delete() == "DELETE_FAILED"
    assert "has dependencies and cannot be deleted" in stack.reasons("DELETE_FAILED")["Vpc"]

    ec2.delete_security_group(GroupId=group)
    assert stack.delete() == "DELETE_COMPLETE"
