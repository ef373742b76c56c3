"""An endpoint names a service that has endpoints in the region."""

from __future__ import annotations

import re
from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import table
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_OWN = re.compile(r"(com\.amazonaws\.vpce\.[a-z0-9-]+\.vpce-svc-[0-9a-f]+|aws\.api\.[a-z0-9-]+\..+)$")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    value = resource.properties.get("ServiceName")
    name = view.plain(value)
    if name is None or _OWN.match(name):
        return
    names = table("endpoints")
    china = view.partition == "aws-cn"
    for prefix, kind in _prefixes(view.region, china):
        if name.startswith(prefix):
            service = name[len(prefix) :]
            if service in names[kind]["services"]:
                yield from _kind(resource, service, view)
            elif service in names["sagemaker"]["services"]:
                right = f"aws.sagemaker.{view.region}.{service}"
                yield Fault("ServiceName", name, f"this service's endpoints are called {right}", error=_said(name))
            else:
                what = "the service is not among those known to have endpoints"
                wrong = kind == "sagemaker" or service.removesuffix("-fips") in names["never"]["services"]
                yield Fault("ServiceName", name, what, error=_said(name), undecided=not wrong)
            return
    region = next((one for one in re.findall(r"[a-z]{2}(?:-[a-z]+)+-\d", name) if one != view.region), "")
    what = (
        f"it names region {region}, the stack is for {view.region}"
        if region
        else "it has not the form of a service name"
    )
    if name in ("com.amazonaws.s3-global.accesspoint",):
        return
    yield Fault("ServiceName", name, what, error=_said(name))


def _prefixes(region: str, china: bool) -> tuple[tuple[str, str], ...]:
    usual = ((f"aws.sagemaker.{region}.", "sagemaker"), (f"com.amazonaws.{region}.", "usual"))
    return (*usual, (f"cn.com.amazonaws.{region}.", "usual")) if china else usual


def _kind(resource: Resource, service: str, view: View) -> Iterable[Fault]:
    gateway = view.network.is_gateway(resource)
    if gateway and service not in ("s3", "dynamodb", "s3express"):
        yield Fault(
            "VpcEndpointType",
            resource.properties.get("VpcEndpointType"),
            f"{service} has no gateway endpoint",
            error=f"The Vpc Endpoint Service '{view.plain(resource.properties.get('ServiceName'))}' does not support gateway endpoints (InvalidParameter)",
            fix="Set VpcEndpointType to Interface.",
        )


def _said(name: str) -> str:
    return f"The Vpc Endpoint Service '{name}' does not exist (InvalidServiceName)"


CHECK = Check(
    id="deploy-endpoint-service-exists",
    title="An endpoint names a service that has endpoints in the region",
    phase="create",
    why="Names differ by service and partition: notebooks and Studio begin with aws.sagemaker, the rest with com.amazonaws.",
    fix="Take the name from the list of services with endpoints, with the stack's own region.",
    error="The Vpc Endpoint Service '...' does not exist",
    sources=(
        "https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html",
        "https://github.com/aws/aws-cdk/issues/2597",
    ),
    covers=("DF-149",),
    types=("AWS::EC2::VPCEndpoint",),
    look=look,
)
