"""Who reaches the internet or is reached from it, named hop by hop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from labkit.review.evidence import Status, shown
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.isolation.routes import Routes, Way
from labkit.review.provers.isolation.rules import NO_INTERNET
from labkit.review.provers.isolation.workloads import Workload, table
from labkit.review.provers.permission.finding import Finding
from stacks.rules.kit.template import Resource

# An address outside of every VPC.
_OUTSIDE = "93.184.215.14/32"
_ELSEWHERE = Resource("an address of the internet", "AWS::EC2::SecurityGroup", {}, {})


def networks(view: View, routes: Routes) -> Iterator[Finding]:
    """Yield a row for each VPC: each way out of its subnets, or that there is none."""
    for vpc in routes.vpcs:
        ways = [way for subnet in routes.subnets_of.get(vpc.logical_id, ()) for way in routes.ways(subnet)]
        out = [way for way in ways if way.leads == "internet"]
        unknown = [way for way in ways if way.leads == "unknown"]
        for way in _few(out):
            yield Finding(NO_INTERNET, vpc.logical_id, "open", f"a way to the internet: {way}")
        for way in _few(unknown):
            yield Finding(NO_INTERNET, vpc.logical_id, "unknown", f"where a way leads is not known: {way}")
        if not out and not unknown:
            gateways = _attached(view, vpc)
            number = len(routes.subnets_of.get(vpc.logical_id, ()))
            said = f"{number} subnets, and no route of theirs leads beyond the VPC and its endpoints"
            if gateways:
                yield Finding(NO_INTERNET, vpc.logical_id, "open",
                              f"{', '.join(gateways)} is attached: one route is all that is missing; {said}",
                              level="warning")  # fmt: skip
            else:
                yield Finding(NO_INTERNET, vpc.logical_id, "pass", said)


def _attached(view: View, vpc: Resource) -> list[str]:
    return [
        one.logical_id
        for one in view.of("AWS::EC2::VPCGatewayAttachment")
        if view.target(one.properties.get("VpcId"), "AWS::EC2::VPC") is vpc
        and one.properties.get("InternetGatewayId") is not None
    ]


def workloads(view: View, routes: Routes, found: Sequence[Workload]) -> Iterator[Finding]:
    """Yield a row for each workload in subnets."""
    for one in found:
        if not one.given:
            continue
        if one.subnets is None:
            said = f"{one.label}: its subnets are not in the template, nor where their routes lead"
            yield Finding(NO_INTERNET, one.logical_id, "unknown", said)
            continue
        yield _workload(view, routes, one)


def _workload(view: View, routes: Routes, one: Workload) -> Finding:
    ways = [way for subnet in one.subnets or () for way in routes.ways(subnet)]
    out = [way for way in ways if way.leads == "internet"]
    unknown = [way for way in ways if way.leads == "unknown"]
    if one.cut_off:
        return Finding(NO_INTERNET, one.logical_id, "pass", f"{one.label}: its container has no network at all")
    if out:
        groups = one.groups
        if groups is not None and groups and not any(
            view.groups.opens(group, port=port, source=_ELSEWHERE, cidr=_OUTSIDE, egress=True)
            for group in groups for port in (443, 80, 53, 22)
        ):  # fmt: skip
            names = ", ".join(group.logical_id for group in groups)
            return Finding(NO_INTERNET, one.logical_id, "pass",
                           f"{one.label}: {out[0]}, but no rule of {names} lets anything out there")  # fmt: skip
        direct = [way for way in out if one.addressable or not way.needs_address]
        if direct:
            return Finding(NO_INTERNET, one.logical_id, "open", f"{one.label} reaches the internet: {direct[0]}")
        said = f"{one.label}: {out[0]}; its interfaces have no public address, which is all that is missing"
        return Finding(NO_INTERNET, one.logical_id, "open", said, level="warning")
    if unknown:
        return Finding(
            NO_INTERNET, one.logical_id, "unknown", f"{one.label}: where a way leads is not known: {unknown[0]}"
        )
    names = ", ".join(subnet.logical_id for subnet in one.subnets or ())
    return Finding(NO_INTERNET, one.logical_id, "pass", f"{one.label}: no route of {names} leads to the internet")


def exposed(view: View) -> Iterator[Finding]:
    """Yield a row for each resource that a property of its own opens to the internet."""
    for row in table()["exposed"]:
        for resource in view.of(row["type"]):
            for path, value in resource.each(row["property"]):
                status = _exposure(row, value, view)
                if status:
                    said = f"{path} = {shown(value)}: {row['what']}"
                    yield Finding(NO_INTERNET, resource.logical_id, status, said)
    for path, resource in _open_groups(view):
        said = f"{path}: anybody's address may open connections to what is in the group, once a route leads there"
        yield Finding(NO_INTERNET, resource.logical_id, "open", said, level="warning")


def _exposure(row: dict[str, Any], value: Any, view: View) -> Status | None:
    if value is None:
        return "open" if row.get("absent") == "open" else None
    if row["property"] == "VPCOptions":
        return None
    text = view.plain(value)
    if text is None:
        return "unknown"
    if text.lower() in {one.lower() for one in row["open"]}:
        # A subnet's addresses alone lead nowhere: its routes are judged with the VPC.
        return "open"
    return None


def _open_groups(view: View) -> Iterator[tuple[str, Resource]]:
    for group in view.of("AWS::EC2::SecurityGroup"):
        for rule in view.groups.rules(group):
            for name in ("CidrIp", "CidrIpv6"):
                if view.plain(rule.get(name)) in ("0.0.0.0/0", "::/0"):
                    yield f"{name} of an ingress rule", group


def _few(ways: list[Way]) -> list[Way]:
    """The first way of each subnet: the others differ in the last hops only."""
    found: dict[str, Way] = {}
    for way in ways:
        found.setdefault(f"{way.hops[0]} {way.leads}", way)
    return list(found.values())
