"""Opens a network, or cuts it off from what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.review.mutation.kit.operator import Operator, places, removes, sets, with_resource
from labkit.review.mutation.kit.places import Path, Template, at, changed

_INGRESS = "AWS::EC2::SecurityGroupIngress Properties"
_SUBNET = "AWS::EC2::Subnet Properties"


def _from(**source: Any) -> Any:
    """Let a rule admit another source."""
    return lambda rule: {key: value for key, value in rule.items() if not key.startswith("Source")} | source


def _routed(template: Template, path: Path, **target: Any) -> Template:
    return with_resource(
        template, "WayOut", "AWS::EC2::Route", RouteTableId={"Ref": path[1]}, DestinationCidrBlock="0.0.0.0/0", **target
    )


def _to_internet(template: Template, path: Path) -> Template:
    vpc = at(template, path)["Properties"]["VpcId"]
    gateway = with_resource(template, "Gateway", "AWS::EC2::InternetGateway")
    attached = with_resource(
        gateway, "Attached", "AWS::EC2::VPCGatewayAttachment", VpcId=vpc, InternetGatewayId={"Ref": "Gateway"}
    )
    return _routed(attached, path, GatewayId={"Ref": "Gateway"})


def _to_transit(template: Template, path: Path) -> Template:
    return _routed(template, path, TransitGatewayId="tgw-0123456789abcdef0")


def _to_peer(template: Template, path: Path) -> Template:
    return _routed(template, path, VpcPeeringConnectionId="pcx-0123456789abcdef0")


def _with_open_rule(template: Template, path: Path) -> Template:
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0", "Description": "administration"}
    mutant: Template = changed(
        template, path, lambda group: {**group, "SecurityGroupIngress": [*group.get("SecurityGroupIngress", []), rule]}
    )
    return mutant


def _later_subnets(template: Template) -> Iterator[Path]:
    yield from list(places(_SUBNET)(template))[1:]


def _first_subnet(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = at(template, next(iter(places(_SUBNET)(template))))
    return found


def _like_first(name: str) -> Any:
    def apply(template: Template, path: Path) -> Template:
        first = _first_subnet(template)
        mutant: Template = changed(template, path, lambda subnet: {**subnet, name: first[name]})
        return mutant

    return apply


OPERATORS = (
    sets("open-to-internet", "A group open to every address", "security", _INGRESS, to=_from(CidrIp="0.0.0.0/0")),
    sets("open-to-internet-6", "A group open to every IPv6 address", "security", _INGRESS, to=_from(CidrIpv6="::/0")),
    sets(
        "open-every-port",
        "A group open to every address on every port",
        "security",
        _INGRESS,
        to=_from(CidrIp="0.0.0.0/0", IpProtocol="-1"),
    ),
    Operator(
        id="open-administration",
        title="A group with SSH open to every address",
        breaks="security",
        sites=places("AWS::EC2::SecurityGroup Properties"),
        apply=_with_open_rule,
    ),
    Operator(
        id="route-to-internet",
        title="A route table with a route to the internet",
        breaks="security",
        sites=places("AWS::EC2::RouteTable"),
        apply=_to_internet,
    ),
    Operator(
        id="route-to-transit",
        title="A route table that leads into a transit gateway",
        breaks="security",
        sites=places("AWS::EC2::RouteTable"),
        apply=_to_transit,
    ),
    Operator(
        id="route-to-peer",
        title="A route table that leads into another network",
        breaks="security",
        sites=places("AWS::EC2::RouteTable"),
        apply=_to_peer,
    ),
    sets(
        "public-address", "A subnet that gives public addresses", "security", f"{_SUBNET}.MapPublicIpOnLaunch", to=True
    ),
    removes(
        "drop-table-of-subnet",
        "A subnet on the main route table",
        "deployment",
        "AWS::EC2::SubnetRouteTableAssociation",
    ),
    removes("drop-ingress", "Endpoints that admit no workload", "deployment", "AWS::EC2::SecurityGroupIngress"),
    sets(
        "wrong-port",
        "Endpoints that listen on another port than the rule",
        "deployment",
        _INGRESS,
        to=lambda rule: {**rule, "FromPort": 80, "ToPort": 80},
    ),
    sets(
        "close-egress",
        "Workloads that may send nothing",
        "deployment",
        "AWS::EC2::SecurityGroup Properties.SecurityGroupEgress",
        where=lambda rules: any(rule.get("CidrIp") == "0.0.0.0/0" for rule in rules),
        to=[
            {"CidrIp": "255.255.255.255/32", "FromPort": 252, "ToPort": 86, "IpProtocol": "icmp", "Description": "none"}
        ],
    ),
    sets(
        "dns-off",
        "A network that resolves no names",
        "deployment",
        "AWS::EC2::VPC Properties.EnableDnsSupport",
        "AWS::EC2::VPC Properties.EnableDnsHostnames",
        to=False,
    ),
    Operator(
        id="one-zone",
        title="Two subnets in one zone",
        breaks="deployment",
        sites=_later_subnets,
        apply=_like_first("AvailabilityZone"),
    ),
    Operator(
        id="subnets-overlap",
        title="Two subnets with the same addresses",
        breaks="deployment",
        sites=_later_subnets,
        apply=_like_first("CidrBlock"),
    ),
    sets(
        "zone-elsewhere",
        "A subnet in a zone of another region",
        "deployment",
        f"{_SUBNET}.AvailabilityZone",
        to="eu-west-9z",
    ),
    sets(
        "subnet-beside-network",
        "A subnet outside its network",
        "deployment",
        f"{_SUBNET}.CidrBlock",
        to="172.31.0.0/24",
    ),
    removes(
        "default-group-open", "A network whose default group stays open", "security", "Custom::VpcRestrictDefaultSG"
    ),
)
