"""Every way to the internet is named hop by hop, and what the template does not tell stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.conftest import Make
from tests.review.isolation.parts import Resources, att, changed, one, proved, ref, whole, wrong

RULE = "isolated-no-internet"
GATEWAY = {"Igw": one("AWS::EC2::InternetGateway")}
PUBLIC = GATEWAY | {
    "Outer": one("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.64.0/18"),
    "OuterRoutes": one("AWS::EC2::RouteTable", VpcId=ref("Vpc")),
    "OuterJoined": one("AWS::EC2::SubnetRouteTableAssociation", SubnetId=ref("Outer"), RouteTableId=ref("OuterRoutes")),
    "OuterRoute": one(
        "AWS::EC2::Route", RouteTableId=ref("OuterRoutes"), DestinationCidrBlock="0.0.0.0/0", GatewayId=ref("Igw")
    ),
}


def route(to: str = "0.0.0.0/0", **target: Any) -> Resources:
    return {"Route": one("AWS::EC2::Route", RouteTableId=ref("Routes"), DestinationCidrBlock=to, **target)}


def said(make: Make, more: Resources, name: str) -> tuple[str, str]:
    """(status, evidence) of the only row about a resource."""
    (row,) = [row for row in proved(make(whole() | more)) if row.rule == RULE and row.logical_id == name]
    return row.status, row.evidence


def test_a_network_without_a_route_passes(make: Make) -> None:
    assert wrong(make(whole())) == []


WAYS: dict[str, tuple[Resources, str]] = {
    "internet gateway": (
        GATEWAY | route(GatewayId=ref("Igw")),
        "Subnet → Routes → Route → Igw (internet gateway) → internet",
    ),
    "half of all addresses": (GATEWAY | route("0.0.0.0/1", GatewayId=ref("Igw")), "Igw (internet gateway)"),
    "one public range": (GATEWAY | route("52.0.0.0/8", GatewayId=ref("Igw")), "Igw (internet gateway)"),
    "NAT gateway": (
        PUBLIC | {"Nat": one("AWS::EC2::NatGateway", SubnetId=ref("Outer"))} | route(NatGatewayId=ref("Nat")),
        "Subnet → Routes → Route → Nat (NAT gateway) → Outer → OuterRoutes → OuterRoute → Igw (internet gateway)",
    ),
    "regional NAT gateway": (
        {"Nat": one("AWS::EC2::NatGateway", VpcId=ref("Vpc"))} | route(NatGatewayId=ref("Nat")),
        "Nat (NAT gateway) → internet",
    ),
    "NAT instance": (
        PUBLIC | {"Box": one("AWS::EC2::Instance", SubnetId=ref("Outer"))} | route(InstanceId=ref("Box")),
        "Box (instance) → Outer",
    ),
    "carrier gateway": (
        {"Carrier": one("AWS::EC2::CarrierGateway", VpcId=ref("Vpc"))} | route(CarrierGatewayId=ref("Carrier")),
        "Carrier (carrier gateway) → internet",
    ),
    "IPv6": (
        {
            "Eigw": one("AWS::EC2::EgressOnlyInternetGateway", VpcId=ref("Vpc")),
            "Route": one(
                "AWS::EC2::Route",
                RouteTableId=ref("Routes"),
                DestinationIpv6CidrBlock="::/0",
                EgressOnlyInternetGatewayId=ref("Eigw"),
            ),
        },
        "Eigw (egress-only internet gateway)",
    ),
    "under a condition": (
        GATEWAY | route(GatewayId={"Fn::If": ["Open", ref("Igw"), {"Ref": "AWS::NoValue"}]}),
        "Igw (internet gateway)",
    ),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_way_to_the_internet_is_named_hop_by_hop(name: str, make: Make) -> None:
    more, hops = WAYS[name]
    for resource in ("Vpc", "Asks"):
        found = [
            text
            for _, place, text in wrong(make(whole() | more, lab=f"d9_{resource.lower()}"), RULE)
            if place == resource
        ]
        assert any(hops in text for text in found), (resource, found)


UNKNOWN: dict[str, Resources] = {
    "transit gateway": route(TransitGatewayId="tgw-1"),
    "NAT gateway elsewhere": route(NatGatewayId="nat-1"),
    "VPN": {"Vpn": one("AWS::EC2::VPNGateway", Type="ipsec.1")} | route(GatewayId=ref("Vpn")),
    "parameter": route(GatewayId=ref("Given")),
    "firewall": route(VpcEndpointId="vpce-1"),
    "instance elsewhere": route(InstanceId="i-1"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_the_template_does_not_tell_is_unknown(name: str, make: Make) -> None:
    status, text = said(make, UNKNOWN[name], "Vpc")
    assert status == "unknown"
    assert "Routes → Route → " in text


HARMLESS: dict[str, Resources] = {
    "to another VPC": route(VpcPeeringConnectionId="pcx-1"),
    "private addresses": route("10.1.0.0/16", TransitGatewayId="tgw-1"),
    "a NAT gateway that leads nowhere": {"Nat": one("AWS::EC2::NatGateway", SubnetId=ref("Subnet"))}
    | route(NatGatewayId=ref("Nat")),
    "private NAT": PUBLIC
    | {"Nat": one("AWS::EC2::NatGateway", SubnetId=ref("Outer"), ConnectivityType="private")}
    | route(NatGatewayId=ref("Nat")),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_route_that_leads_nowhere_public_passes(name: str, make: Make) -> None:
    assert said(make, HARMLESS[name], "Asks")[0] == "pass"


def test_a_route_table_from_elsewhere_is_unknown(make: Make) -> None:
    resources = changed(whole(), "Joined.Properties.RouteTableId", "rtb-1")
    assert [place for _, place, _ in wrong(make(resources), RULE)] == ["Vpc", "Asks"]


def test_a_subnet_without_an_association_has_the_main_table_which_leads_nowhere(make: Make) -> None:
    resources = {name: body for name, body in whole().items() if name != "Joined"}
    assert wrong(make(resources), RULE) == []


def test_a_gateway_that_is_attached_but_not_routed_is_a_warning(make: Make) -> None:
    attached = one("AWS::EC2::VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Igw"))
    (row,) = [row for row in proved(make(whole() | GATEWAY | {"Attached": attached})) if row.logical_id == "Vpc"]
    assert (row.status, row.level) == ("open", "warning")
    assert "one route is all that is missing" in row.evidence


def test_a_group_that_lets_nothing_out_keeps_the_workload_in(make: Make) -> None:
    more = GATEWAY | route(GatewayId=ref("Igw"))
    egress = [
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "DestinationSecurityGroupId": att("Gate", "GroupId")}
    ]
    resources = changed(whole() | more, "Work.Properties.SecurityGroupEgress", egress)
    found = {row.logical_id: row.status for row in proved(make(resources)) if row.rule == RULE}
    assert (found["Vpc"], found["Asks"]) == ("open", "pass")


def test_a_group_without_egress_rules_lets_everything_out(make: Make) -> None:
    resources = changed(whole() | GATEWAY | route(GatewayId=ref("Igw")), "Work.Properties.SecurityGroupEgress", None)
    assert "Asks" in {place for _, place, _ in wrong(make(resources), RULE)}


def test_a_network_that_is_made_only_under_a_condition_is_followed(make: Make) -> None:
    chosen = {"Fn::If": ["Own", ref("Vpc"), ref("Given")]}
    resources = changed(whole() | GATEWAY | route(GatewayId=ref("Igw")), "Subnet.Properties.VpcId", chosen)
    assert {place for _, place, _ in wrong(make(resources), RULE)} == {"Vpc", "Asks"}


def test_a_workload_in_subnets_of_a_parameter_is_unknown(make: Make) -> None:
    resources = changed(whole(), "Asks.Properties.VpcConfig.SubnetIds", ref("SubnetIds"))
    assert "not in the template" in next(text for _, place, text in wrong(make(resources), RULE) if place == "Asks")


EXPOSED = [
    ("AWS::SageMaker::NotebookInstance", {}, {"DirectInternetAccess": "Disabled"}),
    ("AWS::SageMaker::Domain", {}, {"AppNetworkAccessType": "VpcOnly"}),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", {}, {"Scheme": "internal"}),
    ("AWS::RDS::DBInstance", {"PubliclyAccessible": True}, {"PubliclyAccessible": False}),
    ("AWS::Redshift::Cluster", {"PubliclyAccessible": "true"}, {}),
    ("AWS::OpenSearchService::Domain", {}, {"VPCOptions": {"SubnetIds": ["subnet-1"]}}),
    (
        "AWS::MSK::Cluster",
        {"BrokerNodeGroupInfo": {"ConnectivityInfo": {"PublicAccess": {"Type": "SERVICE_PROVIDED_EIPS"}}}},
        {},
    ),
    ("AWS::EKS::Cluster", {}, {"ResourcesVpcConfig": {"EndpointPublicAccess": False}}),
    ("AWS::EC2::Subnet", {"MapPublicIpOnLaunch": True}, {"MapPublicIpOnLaunch": False}),
    ("AWS::Lambda::Url", {"AuthType": "NONE"}, {"AuthType": "AWS_IAM"}),
    ("AWS::ECS::Service", {"NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}}, {}),
]


@pytest.mark.parametrize(("type_", "open_", "closed"), EXPOSED, ids=lambda one: one if isinstance(one, str) else "")
def test_a_property_that_opens_a_resource_to_the_internet_is_named(
    type_: str, open_: dict[str, Any], closed: dict[str, Any], make: Make
) -> None:
    found = wrong(make({"Thing": one(type_, **open_)}), RULE)
    assert any(place == "Thing" for _, place, _ in found)
    rest = wrong(make({"Thing": one(type_, **closed)}, lab="d9_closed"), RULE)
    assert [text for _, _, text in rest if " = " in text] == []


def test_whether_a_parameter_opens_a_resource_is_unknown(make: Make) -> None:
    (row,) = [
        row
        for row in proved(make({"Db": one("AWS::RDS::DBInstance", PubliclyAccessible=ref("Public"))}))
        if row.rule == RULE
    ]
    assert (row.logical_id, row.status) == ("Db", "unknown")


def test_a_group_open_to_everybody_is_a_warning(make: Make) -> None:
    rule = one("AWS::EC2::SecurityGroupIngress", GroupId=att("Gate", "GroupId"), IpProtocol="-1", CidrIp="0.0.0.0/0")
    rows = [row for row in proved(make(whole() | {"Any": rule})) if row.logical_id == "Gate"]
    assert [(row.status, row.level) for row in rows] == [("open", "warning")]
