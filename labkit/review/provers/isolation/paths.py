"""Whether a call of a workload gets out of its subnets, and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.isolation.acls import Acls
from labkit.review.provers.isolation.needs import Need, has_no_endpoint
from labkit.review.provers.isolation.routes import Routes
from labkit.review.provers.isolation.workloads import Workload
from labkit.review.provers.permission.matching import Match, match
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.symbols import pattern, shown
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_on

# One of S3's addresses: a rule must let it out, or name a prefix list.
_PUBLIC = "52.216.0.1/32"
# Actions that know no resource: a statement that names one never allows them.
# Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
_EVERYTHING = ("cloudwatch:putmetricdata", "ecr:getauthorizationtoken", "xray:puttracesegments")
# The default group of a VPC lets everything out, and in what comes from itself.
_DEFAULT_GROUP = Resource("the default group", "AWS::EC2::SecurityGroup", {}, {})


@dataclass(frozen=True)
class Verdict:
    """Whether a call gets through.

    Args:
        status: ``yes``, ``no`` or ``unknown``.
        said: by what, or what is missing.
        by: endpoints through which it goes.
    """

    status: Literal["yes", "no", "unknown"]
    said: str
    by: tuple[str, ...] = ()


class Paths:
    """The ways from the subnets of a template to AWS."""

    def __init__(self, view: View, stack: Stack, routes: Routes) -> None:
        self._view = view
        self._stack = stack
        self._routes = routes
        self._acls = Acls(view)
        self._known: dict[tuple[str, ...], str] = {}

    @cached_property
    def endpoints(self) -> dict[str | None, list[Resource]]:
        """VPC endpoints by service; under ``None`` those whose service only deployment tells."""
        found: dict[str | None, list[Resource]] = {}
        for endpoint, service in self._view.network.endpoints:
            found.setdefault(service, []).append(endpoint)
        return found

    def way(self, workload: Workload, need: Need) -> Verdict:
        """Tell whether a workload reaches what it needs from each of its subnets."""
        if not need.service:
            return Verdict("unknown", "which service that is cannot be told")
        if workload.subnets is None or workload.groups is None:
            return Verdict("unknown", "its subnets or groups are not in the template")
        if need.region and need.region != self._view.region:
            open_ = all(self._open(subnet, workload) for subnet in workload.subnets)
            said = f"endpoints of the VPC serve {self._view.region}, the client names {need.region}"
            return Verdict("yes", "by the internet") if open_ else Verdict("no", said)
        by: dict[str, None] = {}
        for subnet in workload.subnets:
            verdict = self._from(subnet, workload, need)
            if verdict.status != "yes":
                return verdict
            by.update(dict.fromkeys(verdict.by))
        return Verdict("yes", ", ".join(by) or "the internet", tuple(by))

    def _open(self, subnet: Resource, workload: Workload) -> bool:
        return any(
            way.leads == "internet" and (workload.addressable or not way.needs_address)
            for way in self._routes.ways(subnet)
        )

    def _from(self, subnet: Resource, workload: Workload, need: Need) -> Verdict:
        acl = self._acls.blocks(subnet)
        if acl is not None:
            return Verdict("no", f"the network ACL {acl} of {subnet.logical_id} lets no HTTPS through")
        faults: list[tuple[str, bool]] = []
        passing: list[str] = []
        for endpoint in self._candidates(subnet, need.service):
            fault, sure = self._fault(endpoint, subnet, workload, need)
            if not fault:
                passing.append(endpoint.logical_id)
            else:
                faults.append((fault, sure))
        if passing:
            return Verdict("yes", "", tuple(passing))
        if self._open(subnet, workload) and not any(sure for _, sure in faults):
            return Verdict("yes", "")
        if faults:
            return Verdict(
                "no" if all(sure for _, sure in faults) else "unknown", "; ".join(said for said, _ in faults)
            )
        return self._none(subnet, need.service)

    def _none(self, subnet: Resource, service: str) -> Verdict:
        vpcs = sorted(self._routes.vpcs_of(subnet))
        vpc = " or ".join(vpcs) or "its VPC"
        if has_no_endpoint(service):
            return Verdict(
                "no", f"there are no VPC endpoints for {service}, and {subnet.logical_id} has no other way out"
            )
        unknown = [way for way in self._routes.ways(subnet) if way.leads == "unknown"]
        if unknown:
            return Verdict(
                "unknown", f"no endpoint for {service}; whether a route leads there is not known: {unknown[0]}"
            )
        if not set(vpcs) <= set(self._view.template.resources) or not vpcs:
            return Verdict("unknown", f"the VPC of {subnet.logical_id} is not in the template, nor its endpoints")
        if any(self._in_vpc(one, subnet) for one in self.endpoints.get(None, ())):
            return Verdict("unknown", f"only deployment tells whether an endpoint of {vpc} is for {service}")
        if service in ("s3", "dynamodb") and self.endpoints.get(service):
            gates = ", ".join(one.logical_id for one in self.endpoints[service])
            return Verdict("no", f"{gates} for {service} is not in the route table of {subnet.logical_id}")
        return Verdict(
            "no", f"{vpc} has no endpoint for {service}, and {subnet.logical_id} has no route to the internet"
        )

    def _in_vpc(self, endpoint: Resource, subnet: Resource) -> bool:
        return bool(self._routes.vpcs_of(subnet) & self._routes.vpcs_of(endpoint))

    def _candidates(self, subnet: Resource, service: str) -> Iterator[Resource]:
        tables = set(self._routes.tables(subnet))
        for endpoint in self.endpoints.get(service, ()):
            if self._view.network.is_gateway(endpoint):
                if tables & self._routes.gateway_tables(endpoint):
                    yield endpoint
            elif self._in_vpc(endpoint, subnet):
                yield endpoint

    def _fault(self, endpoint: Resource, subnet: Resource, workload: Workload, need: Need) -> tuple[str, bool]:
        """What keeps a call from passing an endpoint, and whether that is certain; empty if nothing does."""
        groups = workload.groups or (_DEFAULT_GROUP,)
        if self._view.network.is_gateway(endpoint):
            fault, sure = self._released(groups, need.service)
        else:
            fault, sure = self._named(endpoint)
            if not fault:
                fault, sure = self._admitted(endpoint, subnet, groups)
        return (fault, sure) if fault else self._allowed(endpoint, need)

    def _named(self, endpoint: Resource) -> tuple[str, bool]:
        private = endpoint.properties.get("PrivateDnsEnabled")
        if self._view.waits(private):
            return f"whether {endpoint.logical_id} takes the service's name is known only at deployment", False
        if not is_on(private):
            return f"{endpoint.logical_id} has private DNS off, so that the service's name leads to the internet", True
        vpc = self._view.target(endpoint.properties.get("VpcId"), "AWS::EC2::VPC")
        for name, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
            value = vpc.properties.get(name, default) if vpc is not None else True
            if vpc is not None and not is_on(value) and not self._view.waits(value):
                return f"{vpc.logical_id} has {name} off, so that the name of {endpoint.logical_id} is not found", True
        return "", True

    def _released(self, groups: Sequence[Resource], service: str) -> tuple[str, bool]:
        for group in groups:
            if self._view.groups.opens(group, port=443, source=_DEFAULT_GROUP, cidr=_PUBLIC, egress=True):
                return "", True
        names = ", ".join(one.logical_id for one in groups)
        return f"no rule of {names} lets out to the addresses of {service} on port 443", True

    def _admitted(self, endpoint: Resource, subnet: Resource, groups: Sequence[Resource]) -> tuple[str, bool]:
        key = (endpoint.logical_id, subnet.logical_id, *(one.logical_id for one in groups))
        if key not in self._known:
            self._known[key] = self._admission(endpoint, subnet, groups)
        fault = self._known[key]
        return fault.removeprefix("?"), not fault.startswith("?")

    def _admission(self, endpoint: Resource, subnet: Resource, groups: Sequence[Resource]) -> str:
        network = self._view.network
        gates = self._view.groups.of(self._view.items(endpoint, "SecurityGroupIds"))
        if gates is None:
            return f"?the groups of {endpoint.logical_id} are not in the template"
        if not gates:
            return f"{endpoint.logical_id} has no group but the VPC's default one, which lets in only its own members"
        ranges = network.cidrs([subnet]) or [""]
        if not any(
            self._view.groups.opens(gate, port=443, source=group, cidr=cidr or "255.255.255.255/32")
            for gate in gates
            for group in groups
            for cidr in ranges
        ):
            names = ", ".join(one.logical_id for one in gates)
            who = ", ".join(one.logical_id for one in groups)
            return f"no rule of {names} (of {endpoint.logical_id}) lets {who} in on port 443"
        places = network.subnets(self._view.items(endpoint, "SubnetIds")) or []
        there = network.cidrs(places) or [None]  # type: ignore[list-item]
        if not any(
            self._view.groups.opens(group, port=443, source=gate, cidr=cidr, egress=True)
            for gate in gates
            for group in groups
            for cidr in there
        ):
            return f"no rule of {', '.join(one.logical_id for one in groups)} lets out to {endpoint.logical_id} on port 443"
        return ""

    def _allowed(self, endpoint: Resource, need: Need) -> tuple[str, bool]:
        policy = self._stack.on_endpoints.get(endpoint.logical_id)
        if policy is None or not need.action:
            return "", True
        if any(one.problem for one in policy.statements):
            return f"the policy of {endpoint.logical_id} cannot be read", False
        allows = [one for one in policy.statements if one.effect == "Allow" and one.acts(need.action).possible]
        if not allows:
            return f"the policy of {endpoint.logical_id} does not allow {need.action}", True
        for target in need.targets:
            if need.action.lower() in _EVERYTHING and not any(_is_everything(one.resources) for one in allows):
                return (
                    f"the policy of {endpoint.logical_id} does not allow {need.action} on *, and it knows no other",
                    True,
                )
            if not any(_meets(one.resources, target) or one.other_resources for one in allows):
                return f"the policy of {endpoint.logical_id} does not allow {need.action} on {shown(target)}", True
        for one in policy.statements:
            if (
                one.effect == "Deny"
                and not one.tests
                and _is_everything(one.resources)
                and one.acts(need.action) is Match.YES
            ):
                return f"the policy of {endpoint.logical_id} denies {need.action}", True
        return "", True


def _is_everything(resources: Sequence[object]) -> bool:
    return any(getattr(text, "value", "") == "*" for text in resources)


def _meets(resources: Sequence[object], target: str) -> bool:
    return any(match(pattern(getattr(text, "value", "")), target).possible for text in resources)
