"""An interface endpoint lets in whoever resolves its name, and they are let out to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import table
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_on


def look(resource: Resource, view: View) -> Iterable[Fault]:
    network = view.network
    if network.is_gateway(resource) or not is_on(resource.properties.get("PrivateDnsEnabled")):
        return
    groups = view.groups.of(view.items(resource, "SecurityGroupIds"))
    vpc = view.template.target(resource.properties.get("VpcId"), "AWS::EC2::VPC")
    if groups is None:
        yield Fault("SecurityGroupIds", resource.properties.get("SecurityGroupIds"), "a group is not in the template",
                    undecided=True)  # fmt: skip
        return
    if not groups:
        what = "without groups of its own the endpoint has the VPC's default group, which lets in only its own members"
        yield Fault("SecurityGroupIds", None, what)
        return
    names = ", ".join(one.logical_id for one in groups)
    told = set()
    for user, members, cidrs in _clients(view).get(vpc.logical_id if vpc is not None else "", ()):
        mark = tuple(one.logical_id for one in members)
        if mark in told:
            continue
        told.add(mark)
        client = ", ".join(mark)
        # Of several groups of a workload, one that is let through is enough.
        if not any(_admitted(one, member, cidrs, view) for one in groups for member in members):
            yield Fault("SecurityGroupIds", names, f"no rule of {names} lets {client} of {user} in on port 443")
        elif not any(view.groups.leads_out(member, port=443, to=one) for one in groups for member in members):
            yield Fault(
                f"{mark[0]}.SecurityGroupEgress",
                None,
                f"no rule lets {user} out to {names} on port 443",
                fix=f"Add egress tcp 443 to {groups[0].logical_id} to {mark[0]}.",
            )


def _admitted(group: Resource, member: Resource, cidrs: list[str], view: View) -> bool:
    ranges: list[str | None] = [*cidrs] or [None]
    return any(view.groups.opens(group, port=443, source=member, cidr=cidr) for cidr in ranges)


Client = tuple[str, list[Resource], list[str]]


def _clients(view: View) -> dict[str, list[Client]]:
    """Workloads by VPC: what they are called, their groups, and their subnets' addresses."""
    found: dict[str, list[Client]] | None = view.memory.get("clients")
    if found is None:
        found = {}
        for type_, rows in _places().items():
            for resource in view.of(type_):
                for subnets_at, groups_at in rows:
                    for vpc, client in _client(resource, subnets_at, groups_at, view):
                        found.setdefault(vpc, []).append(client)
        view.memory["clients"] = found
    return found


def _client(resource: Resource, subnets_at: str, groups_at: str, view: View) -> Iterator[tuple[str, Client]]:
    subnets = view.network.subnets(view.items(resource, subnets_at))
    groups = view.groups.of(view.items(resource, groups_at))
    if subnets and groups:
        vpc = view.network.vpc_of(subnets[0])
        yield vpc or "", (resource.logical_id, groups, view.network.cidrs(subnets))


def _places() -> dict[str, list[tuple[str, str]]]:
    rows: list[dict[str, Any]] = table("workloads")["workload"]
    found: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        for type_ in row["types"] if "types" in row else [row["type"]]:
            if "groups" in row:
                found.setdefault(type_, []).append((row["subnets"], row["groups"]))
    return found


CHECK = Check(
    id="deploy-endpoint-admits-clients",
    title="An interface endpoint lets the VPC's workloads in on port 443",
    phase="first-use",
    why="With private DNS every client in the VPC is led to the endpoint, and its security group decides.",
    fix="Add ingress tcp 443 from the workloads' group or the VPC's addresses.",
    error="(every call to the service times out)",
    sources=(
        "https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
        "https://github.com/aws/aws-cdk/issues/4589",
    ),
    covers=("DF-067",),
    types=("AWS::EC2::VPCEndpoint",),
    look=look,
)
