"""Where the routes of each subnet lead, hop by hop, as far as the template tells."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import as_list, references

Leads = Literal["internet", "unknown", "nowhere"]
_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
# Targets of routes from which nothing goes on to the internet, or from where the template does not see further.
_BEYOND = {
    "TransitGatewayId": "a transit gateway",
    "CoreNetworkArn": "a core network",
    "LocalGatewayId": "a local gateway",
    "VpcEndpointId": "a gateway load balancer's endpoint",
    "OdbNetworkArn": "a database network",
}
_MOST_HOPS = 8


@dataclass(frozen=True)
class Way:
    """A route out of a subnet.

    Args:
        hops: logical ids and what they are, from the subnet on.
        leads: where the last hop leads.
        needs_address: only what has a public address of its own can use it.
    """

    hops: tuple[str, ...]
    leads: Leads
    needs_address: bool = False

    def __str__(self) -> str:
        return " → ".join(self.hops)


class Routes:
    """The route tables of a template."""

    def __init__(self, view: View) -> None:
        self._view = view

    @cached_property
    def vpcs(self) -> list[Resource]:
        """The networks that the template makes."""
        return self._view.of("AWS::EC2::VPC")

    @cached_property
    def subnets_of(self) -> dict[str, list[Resource]]:
        """Subnets by the logical id of their VPC."""
        found: dict[str, list[Resource]] = {}
        for subnet in self._view.of("AWS::EC2::Subnet"):
            for vpc in self.vpcs_of(subnet):
                found.setdefault(vpc, []).append(subnet)
        return found

    def vpcs_of(self, resource: Resource) -> set[str]:
        """Logical ids and parameters, or the id, that a subnet or endpoint names as its VPC, in every case of a condition."""
        value = resource.properties.get("VpcId")
        named = {name for name in references(value) if not name.startswith("AWS::")}
        plain = self._view.plain(value)
        return named | ({plain} if plain else set())

    @cached_property
    def _tables(self) -> dict[str, list[str]]:
        """Logical ids of the route tables that each subnet may have; empty text: one that is not in the template."""
        found: dict[str, list[str]] = {}
        for one in self._view.of("AWS::EC2::SubnetRouteTableAssociation"):
            for subnet in references(one.properties.get("SubnetId")):
                tables = sorted(
                    name
                    for name in references(one.properties.get("RouteTableId"))
                    if name in self._view.template.resources
                )
                found.setdefault(subnet, []).extend(tables or [""])
        return found

    def tables(self, subnet: Resource) -> list[str]:
        """The route tables of a subnet; none: the VPC's main table, in which nothing but the VPC itself is routed."""
        return self._tables.get(subnet.logical_id, [])

    @cached_property
    def _routes(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for route in self._view.of("AWS::EC2::Route"):
            for table in references(route.properties.get("RouteTableId")) or {""}:
                found.setdefault(table, []).append(route)
        return found

    @cached_property
    def _ways(self) -> dict[str, list[Way]]:
        return {}

    def ways(self, subnet: Resource) -> list[Way]:
        """The ways out of a subnet to addresses that are not the VPC's own."""
        if subnet.logical_id not in self._ways:
            self._ways[subnet.logical_id] = list(self._from(subnet, (subnet.logical_id,), frozenset()))
        return self._ways[subnet.logical_id]

    def _from(self, subnet: Resource, hops: tuple[str, ...], seen: frozenset[str]) -> Iterator[Way]:
        if subnet.logical_id in seen or len(hops) > _MOST_HOPS:
            return
        seen |= {subnet.logical_id}
        for table in self.tables(subnet):
            if not table:
                yield Way((*hops, "a route table that is not in the template"), "unknown")
                continue
            for route in self._routes.get(table, ()):
                if self._leaves(route):
                    yield from self._through(route, (*hops, table, route.logical_id), seen)

    def _leaves(self, route: Resource) -> bool:
        """Tell whether a route is for addresses of the internet, as far as its destination is known."""
        for name in _DESTINATIONS:
            for _, value in route.each(name):
                if value is None:
                    continue
                plain = self._view.plain(value)
                if plain is None or name == "DestinationPrefixListId" or not _is_private(plain):
                    return True
        return False

    def _through(self, route: Resource, hops: tuple[str, ...], seen: frozenset[str]) -> Iterator[Way]:
        for name in ("GatewayId", "EgressOnlyInternetGatewayId", "CarrierGatewayId"):
            for value in self._values(route, name):
                yield self._gateway(name, value, hops)
        for value in self._values(route, "NatGatewayId"):
            yield from self._nat(value, hops, seen)
        for name in ("InstanceId", "NetworkInterfaceId"):
            for value in self._values(route, name):
                yield from self._instance(value, hops, seen)
        for name, kind in _BEYOND.items():
            for value in self._values(route, name):
                yield Way(
                    (*hops, f"{self._told(value)} ({kind}; the template does not tell where it leads)"), "unknown"
                )

    def _values(self, route: Resource, name: str) -> Iterator[Any]:
        yield from (value for _, value in route.each(name) if value is not None)

    def _told(self, value: Any) -> str:
        named = sorted(references(value))
        return named[0] if named else str(self._view.text(value) or "?")

    def _gateway(self, name: str, value: Any, hops: tuple[str, ...]) -> Way:
        told = self._told(value)
        type_ = resource.type if (resource := self._view.template.resources.get(told)) else ""
        if name == "EgressOnlyInternetGatewayId":
            return Way((*hops, f"{told} (egress-only internet gateway)", "internet"), "internet")
        if name == "CarrierGatewayId":
            return Way((*hops, f"{told} (carrier gateway)", "internet"), "internet", needs_address=True)
        if type_ == "AWS::EC2::InternetGateway" or told.startswith("igw-"):
            return Way((*hops, f"{told} (internet gateway)", "internet"), "internet", needs_address=True)
        if type_ == "AWS::EC2::VPNGateway" or told.startswith("vgw-"):
            return Way((*hops, f"{told} (VPN; the template does not tell where it leads)"), "unknown")
        if told == "local":
            return Way((*hops, "local"), "nowhere")
        return Way((*hops, f"{told} (a gateway of a kind that the template does not tell)"), "unknown")

    def _nat(self, value: Any, hops: tuple[str, ...], seen: frozenset[str]) -> Iterator[Way]:
        told = self._told(value)
        gateway = self._view.template.resources.get(told)
        if gateway is None or gateway.type != "AWS::EC2::NatGateway":
            yield Way((*hops, f"{told} (a NAT gateway outside the template)"), "unknown")
            return
        subnets = self._view.network.subnets([gateway.properties.get("SubnetId")])
        if subnets is None:
            regional = gateway.properties.get("SubnetId") is None
            last = "internet" if regional else "a subnet that is not in the template"
            yield Way((*hops, f"{told} (NAT gateway)", last), "internet" if regional else "unknown")
            return
        for subnet in subnets:
            for way in self._from(subnet, (*hops, f"{told} (NAT gateway)", subnet.logical_id), seen):
                private = self._view.plain(gateway.properties.get("ConnectivityType")) == "private"
                if not (private and way.needs_address):
                    yield Way(way.hops, way.leads)

    def _instance(self, value: Any, hops: tuple[str, ...], seen: frozenset[str]) -> Iterator[Way]:
        told = self._told(value)
        instance = self._view.template.resources.get(told)
        subnets = None if instance is None else self._view.network.subnets([instance.properties.get("SubnetId")])
        if not subnets:
            yield Way((*hops, f"{told} (an instance; the template does not tell where it leads)"), "unknown")
            return
        for way in self._from(subnets[0], (*hops, f"{told} (instance)", subnets[0].logical_id), seen):
            yield Way(way.hops, way.leads)

    def gateway_tables(self, endpoint: Resource) -> set[str]:
        """The route tables that a gateway endpoint is in."""
        return set().union(*(references(one) for one in as_list(endpoint.properties.get("RouteTableIds"))))


def _is_private(cidr: str) -> bool:
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
    return network.is_private and network.prefixlen > 0
