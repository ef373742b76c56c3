"""An interface endpoint is where clients look for the service."""

from __future__ import annotations

import json
from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function, is_on


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    service = resource.one("ServiceName")
    if resource.one("VpcEndpointType") != "Interface" or not _of_aws(service):
        return
    for path, value in resource.each("PrivateDnsEnabled"):
        if not is_on(value):
            yield Problem(
                path, value, "clients that use the service's own name go past it", undecided=is_function(value)
            )
    for path, value in resource.each("SubnetIds"):
        if not value:
            yield Problem(path, value, "it stands in no subnet")
    zones: dict[str, str] = {}
    for path, value in resource.each("SubnetIds.*"):
        subnet = template.target(value, "AWS::EC2::Subnet")
        zone = subnet.one("AvailabilityZone") if subnet is not None else None
        if subnet is not None and zone is not None:
            other = zones.setdefault(json.dumps(zone, sort_keys=True), subnet.logical_id)
            if other != subnet.logical_id:
                yield Problem(path, value, f"{other} is in the same zone; EC2 takes one subnet of each")


def _of_aws(service: object) -> bool:
    return isinstance(service, str) and service.startswith(("com.amazonaws.", "cn.com.amazonaws."))


RULE = Rule(
    id="vpc-endpoint-reachable",
    title="An interface endpoint stands in subnets of different zones, under the service's own name",
    why="A client that does not find the endpoint waits for the internet until it gives up.",
    fix="Set PrivateDnsEnabled, and name one subnet of each zone.",
    source="https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
    controls=("NIST SC-7", "NIST SC-7(3)"),
    types=("AWS::EC2::VPCEndpoint",),
    check=check,
)
