"""Runs everything the isolation prover proves on one lab."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from labkit.cost.prices import HOURS_A_MONTH, price
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.isolation import internet
from labkit.review.provers.isolation.archives import Archives
from labkit.review.provers.isolation.needs import Need
from labkit.review.provers.isolation.paths import Paths, Verdict
from labkit.review.provers.isolation.routes import Routes
from labkit.review.provers.isolation.rules import API_PATHS, NEEDED, NO_INTERNET, PLACED, RULES
from labkit.review.provers.isolation.workloads import Finder, Workload, started_by
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.telling import digest, told
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import references

ENGINE = "isolation prover"
_IDLE = {
    NO_INTERNET: "no network, and nothing that is reached from the internet by a property of its own",
    API_PATHS: "no workload is in a network",
    PLACED: "nothing that runs code",
    NEEDED: "no VPC endpoint in the template",
}
_OUTSIDE = "it reaches the internet and AWS by a network of AWS, bound by its role alone"


@cache
def version() -> str:
    """The content of the prover, as a digest: it changes whenever the prover does."""
    return digest(Path(__file__).parent)


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield what the prover says of a lab."""
    return told(lab, lambda: findings(lab), engine=ENGINE, version=version(), rules=RULES, idle=_IDLE)


def findings(lab: Lab) -> Iterator[Finding]:
    """Yield every answer of every rule."""
    assembly = lab.assembly
    view = View(lab.template.content, region=assembly.region, partition=assembly.partition, stack=assembly.stack)
    stack = Stack(view.template.content, region=assembly.region, partition=assembly.partition)
    routes = Routes(view)
    found = Finder(view, stack, Archives(assembly)).every()
    yield from internet.networks(view, routes)
    yield from internet.workloads(view, routes, found)
    yield from internet.exposed(view)
    isolated = bool(routes.vpcs) or any(one.given for one in found)
    yield from _placed(found, isolated=isolated)
    paths = Paths(view, stack, routes)
    used: dict[str, str] = {}
    for one in found:
        yield from _reached(one, paths, used)
    placed = any(one.given for one in found)
    yield from _needed(view, used, placed=placed)


def _placed(found: list[Workload], *, isolated: bool) -> Iterator[Finding]:
    for one in found:
        calls = ", ".join(dict.fromkeys(f"{call.client or '?'}" for call in one.reading.calls))
        reach = one.what or _OUTSIDE
        reach += f"; its code calls {calls}" if calls else ""
        if one.given:
            yield Finding(PLACED, one.logical_id, "pass", f"{one.label} ({one.type}) is in {len(one.given)} subnets")
        elif not one.placeable:
            yield Finding(PLACED, one.logical_id, "not applicable", f"{one.label} ({one.type}) {reach}")
        else:
            alone = "its container has no network, S3 is reached by a network of AWS" if one.cut_off else reach
            said = f"{one.label} ({one.type}) has no subnets: {alone}"
            yield Finding(PLACED, one.logical_id, "open", said, level="error" if isolated else "warning")
        yield from _started(one, found, isolated=isolated)


def _started(one: Workload, found: list[Workload], *, isolated: bool) -> Iterator[Finding]:
    """Jobs that code starts: their definition is in the template, or the code must name a network."""
    places = started_by(one.reading)
    defined = any(other.logical_id == one.logical_id and other is not one for other in found)
    if not places or defined or not isolated:
        return
    if one.reading.names_network:
        said = (
            f"{one.label} starts jobs at {', '.join(places)}; that code names VpcConfig, with values known at run time"
        )
        yield Finding(PLACED, one.logical_id, "pass", said)
    else:
        said = f"{one.label} starts jobs at {', '.join(places)}; neither the code nor the template names their network"
        yield Finding(PLACED, one.logical_id, "unknown", said)


def _reached(one: Workload, paths: Paths, used: dict[str, str]) -> Iterator[Finding]:
    if one.cut_off and one.reading.calls:
        calls = ", ".join(f"{call.client}.{call.operation or '?'} at {call.place}" for call in one.reading.calls[:4])
        said = f"{one.label} has a container without any network (network isolation), and its code calls {calls}"
        yield Finding(API_PATHS, one.logical_id, "open", f"{said}: the calls time out. Turn the isolation off, or take them out")  # fmt: skip
    if not one.given:
        return
    served: dict[str, None] = {}
    told: dict[Finding, None] = {}
    disputed: dict[str, str] = {}
    for need in one.needs:
        verdict = paths.way(one, need)
        for name in verdict.by:
            used.setdefault(name, need.why)
        if verdict.status == "yes":
            served[f"{need.service} by {verdict.said}"] = None
        elif need.certainty == "disputed" and verdict.status == "no":
            disputed.setdefault(need.service, verdict.said)
        else:
            told[_missing(one, need, verdict)] = None
    yield from told
    if disputed:
        yield Finding(API_PATHS, one.logical_id, "unknown", _disputed(one, disputed), level="warning")
    if not told and not disputed:
        said = f"{one.label} reaches {'; '.join(served)}" if served else f"{one.label} calls no AWS API"
        yield Finding(API_PATHS, one.logical_id, "pass", said)


def _disputed(one: Workload, missing: dict[str, str]) -> str:
    return (
        f"{one.label} may need {' and '.join(missing)}: {'; '.join(missing.values())}. AWS says both that such calls go "
        "by the VPC (re:Post, network isolation) and that only S3 must be reached (developer guide, VPC). Add the "
        "endpoints, or accept that logs, metrics or images may be missing"
    )


def _missing(one: Workload, need: Need, verdict: Verdict) -> Finding:
    if need.certainty == "possible":
        why = one.reading.doubts[0] if one.reading.doubts else "its code is not in the template"
        said = f"{need.why}, and {verdict.said}; whether it does is not known: {why}"
        return Finding(API_PATHS, one.logical_id, "unknown", said)
    said = f"{need.why}, and {verdict.said}"
    return Finding(API_PATHS, one.logical_id, "open" if verdict.status == "no" else "unknown", said)


def _needed(view: View, used: dict[str, str], *, placed: bool) -> Iterator[Finding]:
    shared = _shared(view)
    for endpoint, service in view.network.endpoints:
        name = endpoint.logical_id
        what = f"{name} ({service or 'a service that only deployment tells'})"
        vpc = view.target(endpoint.properties.get("VpcId"), "AWS::EC2::VPC")
        said = f"{what} is needed by no workload of the template and costs {_costs(endpoint, view)}"
        if name in used:
            yield Finding(NEEDED, name, "pass", f"{what}: {used[name]}")
        elif not placed:
            said = f"{what} serves workloads of other stacks: none of this template is in its network"
            yield Finding(NEEDED, name, "not applicable", said)
        elif vpc is None or vpc.logical_id in shared:
            said += "; other stacks share the network, and what they need is not known"
            yield Finding(NEEDED, name, "unknown", said, level="warning")
        else:
            yield Finding(NEEDED, name, "open", f"{said}; take it out", level="warning")


def _shared(view: View) -> set[str]:
    """The networks of which something is exported to other stacks."""
    outputs = view.template.content.get("Outputs")
    exported = (
        [one for one in outputs.values() if isinstance(one, dict) and "Export" in one]
        if isinstance(outputs, dict)
        else []
    )
    named = {name for one in exported for name in references(one.get("Value"))}
    found = named & {one.logical_id for one in view.of("AWS::EC2::VPC")}
    for name in named & {one.logical_id for one in view.of("AWS::EC2::Subnet", "AWS::EC2::SecurityGroup")}:
        found |= references(view.template.resources[name].properties.get("VpcId"))
    return found


def _costs(endpoint: Resource, view: View) -> str:
    hourly = price("VPC", "Interface endpoint")
    if view.network.is_gateway(endpoint):
        return "nothing"
    zones = max(1, len(view.items(endpoint, "SubnetIds")))
    if hourly is None:
        return "an amount per hour that no price is known of"
    return f"{hourly.usd * zones * HOURS_A_MONTH:.2f} USD per month in {zones} zones"
