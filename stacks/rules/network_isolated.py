"""A lab's network has no way to or from the internet."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function, is_on

_GATEWAYS = {
    "AWS::EC2::InternetGateway": "an internet gateway",
    "AWS::EC2::EgressOnlyInternetGateway": "an egress-only internet gateway",
    "AWS::EC2::NatGateway": "a NAT gateway",
    "AWS::EC2::CarrierGateway": "a carrier gateway",
}
_DEFAULT_ROUTES = {"DestinationCidrBlock": "0.0.0.0/0", "DestinationIpv6CidrBlock": "::/0"}


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if resource.type in _GATEWAYS:
        yield Problem("Type", resource.type, f"{_GATEWAYS[resource.type]} is a way to the internet")
    elif resource.type == "AWS::EC2::VPCGatewayAttachment":
        for path, value in resource.each("InternetGatewayId"):
            if value is not None:
                yield Problem(path, value, "an internet gateway is attached to the VPC")
    elif resource.type == "AWS::EC2::Route":
        for name, everywhere in _DEFAULT_ROUTES.items():
            for path, value in resource.each(name):
                if value == everywhere or is_function(value):
                    yield Problem(path, value, "the route leads everywhere", undecided=is_function(value))
    elif resource.type == "AWS::EC2::Subnet":
        for path, value in resource.each("MapPublicIpOnLaunch"):
            if is_on(value):
                yield Problem(path, value, "instances get a public address")


RULE = Rule(
    id="network-isolated",
    title="A network has no gateway to the internet, no default route and no public addresses",
    why="Data cannot leave and nobody can enter by a way that is not there, whatever a security group says.",
    fix="Reach AWS through VPC endpoints; take the gateway, the default route and MapPublicIpOnLaunch out.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/infrastructure-give-access.html",
    controls=("FSBP EC2.15", "NIST SC-7", "NIST SC-7(5)", "NIST AC-4", "NIST AC-4(21)"),
    types=(
        "AWS::EC2::VPC",
        "AWS::EC2::Subnet",
        "AWS::EC2::Route",
        "AWS::EC2::VPCGatewayAttachment",
        *_GATEWAYS,
    ),
    check=check,
)
