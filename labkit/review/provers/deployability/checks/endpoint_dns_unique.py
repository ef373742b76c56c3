"""A VPC has one endpoint with private DNS for each service, and resolves its name."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_on, references


def look(resource: Resource, view: View) -> Iterable[Fault]:
    if view.network.is_gateway(resource) or not is_on(resource.properties.get("PrivateDnsEnabled")):
        return
    service = view.text(resource.properties.get("ServiceName"))
    place = _vpc(resource, view)
    same = [one for one in _by_place(view).get((place, service), ()) if one is not resource]
    if same:
        yield Fault("PrivateDnsEnabled", service, f"{same[0].logical_id} already takes the service's name in this VPC")
    zone = _zone_name(service or "", view)
    for hosted in view.of("AWS::Route53::HostedZone"):
        name = (view.plain(hosted.properties.get("Name")) or "").rstrip(".")
        if (
            name
            and name == zone
            and any(_named(one.get("VPCId")) == place for one in view.items(hosted, "VPCs") if isinstance(one, dict))
        ):
            yield Fault("PrivateDnsEnabled", service, f"{hosted.logical_id} already answers for {zone} in this VPC")
    vpc = view.template.target(resource.properties.get("VpcId"), "AWS::EC2::VPC")
    if vpc is None:
        what = "the VPC is not made here, and whether another stack has such an endpoint in it is not known"
        yield Fault("VpcId", resource.properties.get("VpcId"), what, undecided=True)
        return
    off = [name for name in ("EnableDnsSupport", "EnableDnsHostnames") if _is_off(vpc.properties.get(name), name)]
    if off:
        error = "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true"
        yield Fault(f"{vpc.logical_id}.{off[0]}", vpc.properties.get(off[0]), "the VPC does not resolve private names",
                    error=error, fix="Set EnableDnsSupport and EnableDnsHostnames of the VPC to true.")  # fmt: skip


def _is_off(value: object, name: str) -> bool:
    if value is None:
        return name == "EnableDnsHostnames"  # which is off in a VPC of one's own
    return value is False or (isinstance(value, str) and value.lower() == "false")


def _by_place(view: View) -> dict[tuple[str, str | None], list[Resource]]:
    found: dict[tuple[str, str | None], list[Resource]] | None = view.memory.get("private dns")
    if found is None:
        found = {}
        for endpoint, _ in view.network.endpoints:
            if not view.network.is_gateway(endpoint) and is_on(endpoint.properties.get("PrivateDnsEnabled")):
                key = (_vpc(endpoint, view), view.text(endpoint.properties.get("ServiceName")))
                found.setdefault(key, []).append(endpoint)
        view.memory["private dns"] = found
    return found


def _vpc(endpoint: Resource, view: View) -> str:
    return _named(endpoint.properties.get("VpcId"))


def _named(value: object) -> str:
    return ",".join(sorted(references(value))) or str(value)


def _zone_name(service: str, view: View) -> str:
    parts = service.split(".")
    return f"{'.'.join(reversed(parts[3:]))}.{view.region}.amazonaws.com" if len(parts) > 3 else ""


CHECK = Check(
    id="deploy-endpoint-dns-unique",
    title="A VPC has one endpoint with private DNS for each service, and resolves its name",
    phase="create",
    why="An endpoint with private DNS takes the service's name in the VPC, which only one can have.",
    fix="Let one stack make the endpoints of a VPC, and share them.",
    error="private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
    "<service>.<region>.amazonaws.com in the VPC",
    sources=(
        "https://docs.aws.amazon.com/vpc/latest/privatelink/interface-endpoints.html",
        "https://github.com/aws-samples/amazon-mwaa-examples/issues/76",
        "https://github.com/aws-cloudformation/cfn-lint/pull/4492",
    ),
    covers=("DF-065",),
    types=("AWS::EC2::VPCEndpoint",),
    look=look,
)
