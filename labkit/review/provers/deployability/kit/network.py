"""Subnets, their routes, and the endpoints through which they reach AWS services."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import as_list, references

if TYPE_CHECKING:
    from labkit.review.provers.deployability.kit.view import View

Path = Literal["yes", "no", "unknown"]
_SERVICE = re.compile(
    r"^(?:cn\.)?com\.amazonaws\.[^.]+\.(.+)$|^aws\.sagemaker\.[^.]+\.(.+)$|^com\.amazonaws\.(s3-global.*)$"
)
_DEFAULTS = ("0.0.0.0/0", "::/0")
_GATEWAYS = ("GatewayId", "NatGatewayId", "TransitGatewayId", "InstanceId", "NetworkInterfaceId", "VpcPeeringConnectionId",
             "EgressOnlyInternetGatewayId", "CarrierGatewayId", "CoreNetworkArn", "LocalGatewayId", "VpcEndpointId")  # fmt: skip


def service_of(name: str) -> str | None:
    """The service of an endpoint: ``s3`` for ``com.amazonaws.us-east-1.s3``, ``sagemaker.studio`` for Studio's."""
    match = _SERVICE.match(name)
    if match is None:
        return None
    return match[1] or (f"sagemaker.{match[2]}" if match[2] else match[3])


class Network:
    """The network that a template makes."""

    def __init__(self, view: View) -> None:
        self._view = view

    def subnets(self, values: Iterable[Any]) -> list[Resource] | None:
        """Return the subnets that values name; ``None`` when one is not in the template."""
        found: list[Resource] = []
        for value in values:
            named = [self._view.template.resources.get(name) for name in sorted(references(value))]
            here = [one for one in named if one is not None and one.type == "AWS::EC2::Subnet"]
            if not here:
                return None
            found += here
        return found

    @cached_property
    def _table_of(self) -> dict[str, str]:
        found = {}
        for one in self._view.of("AWS::EC2::SubnetRouteTableAssociation"):
            subnet = self._view.target(one.properties.get("SubnetId"), "AWS::EC2::Subnet")
            table = self._view.target(one.properties.get("RouteTableId"), "AWS::EC2::RouteTable")
            if subnet is not None:
                found[subnet.logical_id] = table.logical_id if table is not None else "?"
        return found

    @cached_property
    def _open_tables(self) -> set[str]:
        found = set()
        for route in self._view.of("AWS::EC2::Route"):
            table = self._view.target(route.properties.get("RouteTableId"), "AWS::EC2::RouteTable")
            to = [
                self._view.text(route.properties.get(name))
                for name in ("DestinationCidrBlock", "DestinationIpv6CidrBlock")
            ]
            leads = any(route.properties.get(name) is not None for name in _GATEWAYS)
            if table is not None and leads and any(one in _DEFAULTS for one in to):
                found.add(table.logical_id)
        return found

    def is_open(self, subnet: Resource) -> Path:
        """Tell whether a subnet's route table has a default route."""
        table = self._table_of.get(subnet.logical_id)
        if table == "?":
            return "unknown"
        return "yes" if table in self._open_tables else "no"

    def vpc_of(self, subnet: Resource) -> str | None:
        """Logical id of a subnet's VPC."""
        return _one(references(subnet.properties.get("VpcId")))

    @cached_property
    def endpoints(self) -> list[tuple[Resource, str | None]]:
        """Every endpoint with its service; ``None`` when that is known only at deployment."""
        return [
            (one, service_of(name) if (name := self._view.plain(one.properties.get("ServiceName"))) else None)
            for one in self._view.of("AWS::EC2::VPCEndpoint")
        ]

    @cached_property
    def services(self) -> dict[str, str | None]:
        """The service of each endpoint."""
        return {endpoint.logical_id: service for endpoint, service in self.endpoints}

    @cached_property
    def _by_service(self) -> dict[str | None, list[Resource]]:
        found: dict[str | None, list[Resource]] = {}
        for endpoint, service in self.endpoints:
            found.setdefault(service, []).append(endpoint)
        return found

    def endpoints_to(self, service: str, subnet: Resource) -> list[Resource]:
        """Return the endpoints through which a subnet reaches a service."""
        vpc, table = self.vpc_of(subnet), self._table_of.get(subnet.logical_id)
        found = []
        for endpoint in self._by_service.get(service, ()):
            if self.is_gateway(endpoint):
                tables = set().union(*(references(one) for one in as_list(endpoint.properties.get("RouteTableIds"))))
                if table is not None and table in tables:
                    found.append(endpoint)
            elif vpc in references(endpoint.properties.get("VpcId")):
                found.append(endpoint)
        return found

    def is_gateway(self, endpoint: Resource) -> bool:
        """Tell whether an endpoint is a gateway in route tables."""
        return str(endpoint.properties.get("VpcEndpointType", "Gateway")) == "Gateway"

    def path(self, subnets: Iterable[Resource] | None, service: str) -> Path:
        """Tell whether every one of some subnets reaches a service."""
        if subnets is None:
            return "unknown"
        answer: Path = "yes"
        for subnet in subnets:
            open_ = self.is_open(subnet)
            if open_ == "yes" or self.endpoints_to(service, subnet):
                continue
            if open_ == "no" and subnet.logical_id in self._table_of and None not in self._by_service:
                return "no"
            # Without an association the VPC's main route table counts, which nothing in a template can open.
            if open_ == "no" and subnet.logical_id not in self._table_of:
                return "no"
            answer = "unknown"
        return answer

    def cidrs(self, subnets: Iterable[Resource]) -> list[str]:
        """The literal address ranges of some subnets."""
        return [one for subnet in subnets if (one := self._view.plain(subnet.properties.get("CidrBlock")))]


def _one(names: set[str]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None
