"""A resource in subnets has as many of them, in as many zones and with as many addresses, as its service needs."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_on

# Type: where the subnets are named, fewest and most zones, free addresses needed per subnet, and what AWS says.
_NEEDS = {
    "AWS::RedshiftServerless::Workgroup": ("SubnetIds", 3, 99, 9,
        "The workgroup needs at least three subnets in three Availability Zones (ValidationException)"),
    "AWS::MSK::Cluster": ("BrokerNodeGroupInfo.ClientSubnets", 2, 3, 1,
        "The number of Availability Zones in the BrokerAZDistribution parameter must be equal to the number of client subnets."),
    "AWS::EKS::Cluster": ("ResourcesVpcConfig.SubnetIds", 2, 99, 6,
        "Subnets specified must be in at least two different AZs (InvalidParameterException)"),
    "AWS::RDS::DBSubnetGroup": ("SubnetIds", 2, 99, 1,
        "DB Subnet Group doesn't meet availability zone coverage requirement. Please add subnets to cover at least 2 availability zones."),
    "AWS::DocDB::DBSubnetGroup": ("SubnetIds", 2, 99, 1, "DB Subnet Group doesn't meet availability zone coverage requirement."),
    "AWS::Neptune::DBSubnetGroup": ("SubnetIds", 2, 99, 1, "DB Subnet Group doesn't meet availability zone coverage requirement."),
    "AWS::DMS::ReplicationSubnetGroup": ("SubnetIds", 2, 99, 1,
        "The replication subnet group should cover at least two availability zones (ReplicationSubnetGroupDoesNotCoverEnoughAZs)"),
    "AWS::MWAA::Environment": ("NetworkConfiguration.SubnetIds", 2, 2, 1,
        "The environment needs two subnets in two different availability zones (ValidationException)"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Subnets", 2, 99, 8,
        "At least two subnets in two different Availability Zones must be specified (ValidationError)"),
}  # fmt: skip
# Free addresses that Redshift Serverless needs in each subnet, by base capacity.
# Source: https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html, read 2026-11-22.
_REDSHIFT = ((8, 9), (16, 17), (32, 17), (64, 33), (128, 65), (256, 129), (512, 257), (1024, 400))


def look(resource: Resource, view: View) -> Iterable[Fault]:
    if resource.type == "AWS::OpenSearchService::Domain":
        yield from _domain(resource, view)
        return
    path, fewest, most, addresses, error = _NEEDS[resource.type]
    if resource.type.endswith("LoadBalancer") and view.plain(resource.properties.get("Type")) in ("network", "gateway"):
        return
    values = view.items(resource, path)
    if not values:
        return
    subnets = view.network.subnets(values)
    if subnets is None:
        if fewest > 1 and all(isinstance(one, str) for one in values) and len(values) < fewest:
            yield Fault(path, values, f"{len(values)} subnets are given, at least {fewest} are needed", error=error)
        return
    zones = zones_of(subnets, view)
    if len(subnets) < fewest or len(zones) < fewest:
        yield Fault(path, [one.logical_id for one in subnets],
                    f"{len(subnets)} subnets in {len(zones)} zones are given, {fewest} in {fewest} zones are needed", error=error)  # fmt: skip
    elif len(subnets) > most:
        yield Fault(path, [one.logical_id for one in subnets], f"at most {most} subnets may be given", error=error)
    elif most <= 3 and len(zones) < len(subnets):
        yield Fault(path, [one.logical_id for one in subnets], "two of the subnets are in one zone", error=error)
    if resource.type == "AWS::MSK::Cluster":
        yield from _brokers(resource, len(subnets))
    if resource.type == "AWS::RedshiftServerless::Workgroup":
        base = text.number(resource.properties.get("BaseCapacity")) or 128
        addresses = next((need for capacity, need in _REDSHIFT if base <= capacity), 400)
        error = f"The subnets do not have enough free IP addresses: {addresses} are needed (ValidationException)"
    for subnet in subnets:
        usable = _usable(subnet, view)
        if usable is not None and usable < addresses:
            yield Fault(f"{subnet.logical_id}.CidrBlock", subnet.properties.get("CidrBlock"),
                        f"the subnet has {usable} usable addresses, {addresses} are needed", error=error,
                        fix="Give the subnet a larger range.")  # fmt: skip


def zones_of(subnets: Iterable[Resource], view: View) -> set[str]:
    """The zones of some subnets, told apart as far as the template does."""
    return {
        json.dumps(one.properties.get("AvailabilityZone") or one.properties.get("AvailabilityZoneId") or one.logical_id)
        for one in subnets
    }


def _brokers(cluster: Resource, subnets: int) -> Iterator[Fault]:
    brokers = text.number(cluster.properties.get("NumberOfBrokerNodes"))
    if brokers is not None and brokers % subnets:
        yield Fault(
            "NumberOfBrokerNodes",
            brokers,
            f"{brokers} brokers cannot be spread evenly over {subnets} subnets",
            error="The number of broker nodes must be a multiple of Availability Zones in the ClientSubnets parameter",
            fix="Use a multiple of the number of subnets.",
        )


def _domain(domain: Resource, view: View) -> Iterator[Fault]:
    values = view.items(domain, "VPCOptions.SubnetIds")
    if not values or view.network.subnets(values) is None:
        return
    aware = is_on(domain.one("ClusterConfig.ZoneAwarenessEnabled"))
    zones = (text.number(domain.one("ClusterConfig.ZoneAwarenessConfig.AvailabilityZoneCount")) or 2) if aware else 1
    if len(values) != zones:
        yield Fault(
            "VPCOptions.SubnetIds",
            values,
            f"{len(values)} subnets are given for {zones} zones",
            error=f"You must specify exactly {zones} subnets because you've set zone count to {zones}.",
            fix="Give one subnet per zone of ZoneAwarenessConfig, or one without zone awareness.",
        )


def _usable(subnet: Resource, view: View) -> int | None:
    given = view.plain(subnet.properties.get("CidrBlock"))
    try:
        # AWS keeps five addresses of each subnet.
        return ipaddress.ip_network(given or "", strict=False).num_addresses - 5
    except ValueError:
        return None


CHECK = Check(
    id="deploy-subnets-fit",
    title="A resource has as many subnets, zones and addresses as its service needs",
    phase="create",
    why="Services that spread over zones refuse fewer, and some more, than they are made for.",
    fix="Give subnets in enough different zones, with enough addresses.",
    error="(ValidationException: subnets in more zones are needed)",
    sources=(
        "https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html",
        "https://github.com/hashicorp/terraform-provider-aws/issues/28977",
        "https://github.com/hashicorp/terraform-provider-aws/issues/9658",
    ),
    covers=("DF-081", "DF-091"),
    types=(*_NEEDS, "AWS::OpenSearchService::Domain"),
    look=look,
)
