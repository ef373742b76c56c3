"""A subnet lies within its network, apart from the others."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

_Range = ipaddress.IPv4Network


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    own = _range(resource.one("CidrBlock"))
    network = template.target(resource.one("VpcId"), "AWS::EC2::VPC")
    if own is None or network is None:
        return
    more = [one for one in template.of("AWS::EC2::VPCCidrBlock") if template.target(one.one("VpcId")) is network]
    whole = [_range(one.one("CidrBlock")) for one in (network, *more)]
    if None not in whole and not any(one is not None and own.subnet_of(one) for one in whole):
        yield Problem("CidrBlock", str(own), f"{network.logical_id} does not hold these addresses")
    for other in template.of("AWS::EC2::Subnet"):
        if other is resource:
            break
        range_ = _range(other.one("CidrBlock"))
        if range_ is not None and range_.overlaps(own) and template.target(other.one("VpcId")) is network:
            yield Problem("CidrBlock", str(own), f"{other.logical_id} has some of these addresses")


def _range(value: Any) -> _Range | None:
    try:
        return ipaddress.IPv4Network(value, strict=False) if isinstance(value, str) else None
    except ValueError:
        return None


RULE = Rule(
    id="subnet-within-network",
    title="A subnet lies within its network and shares no address with another one",
    why="EC2 refuses the subnet, and the deployment rolls back.",
    fix="Give the subnet a range of the network's that no other subnet has.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html",
    controls=("NIST SC-7",),
    types=("AWS::EC2::Subnet",),
    check=check,
)
