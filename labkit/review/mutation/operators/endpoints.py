"""Takes VPC endpoints away, or makes them let more or less through."""

from __future__ import annotations

from typing import Any

from labkit.review.mutation.kit.operator import Operator, drops, removes, sets

_ENDPOINT = "AWS::EC2::VPCEndpoint Properties"
_STATEMENT = f"{_ENDPOINT}.PolicyDocument.Statement.*"


def _is_ours(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("com.amazonaws.")


OPERATORS: tuple[Operator, ...] = (
    removes("drop-endpoint", "A network without one of its endpoints", "deployment", "AWS::EC2::VPCEndpoint"),
    drops("endpoint-policy-default", "An endpoint with the default policy", "security", f"{_ENDPOINT}.PolicyDocument"),
    sets(
        "endpoint-policy-wide",
        "An endpoint that lets everything of its service through",
        "security",
        _STATEMENT,
        to=lambda _: {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
    ),
    sets(
        "endpoint-policy-empty",
        "An endpoint that lets nothing through",
        "deployment",
        f"{_ENDPOINT}.PolicyDocument.Statement",
        to=[{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}],
    ),
    sets(
        "endpoint-without-name",
        "An endpoint that clients do not find by the service's name",
        "deployment",
        f"{_ENDPOINT}.PrivateDnsEnabled",
        to=False,
    ),
    sets(
        "endpoint-of-nothing",
        "An endpoint of a service that does not exist",
        "deployment",
        f"{_ENDPOINT}.ServiceName",
        to=lambda name: f"{name}x",
        where=_is_ours,
    ),
    sets(
        "endpoint-elsewhere",
        "An endpoint of a service in another region",
        "deployment",
        f"{_ENDPOINT}.ServiceName",
        to=lambda name: name.replace("us-east-1", "eu-central-1"),
        where=_is_ours,
    ),
    sets(
        "endpoint-off-table",
        "A gateway endpoint that no route table leads to",
        "deployment",
        f"{_ENDPOINT}.RouteTableIds",
        to=[],
    ),
    sets(
        "endpoint-off-subnets",
        "An interface endpoint in no subnet",
        "deployment",
        f"{_ENDPOINT}.SubnetIds",
        to=[],
    ),
    drops(
        "endpoint-group-missing",
        "An interface endpoint with the network's default group",
        "deployment",
        f"{_ENDPOINT}.SecurityGroupIds",
    ),
    sets(
        "endpoint-kind-wrong",
        "An endpoint of the other kind than its service has",
        "deployment",
        f"{_ENDPOINT}.VpcEndpointType",
        to=lambda kind: "Gateway" if kind == "Interface" else "GatewayLoadBalancer",
    ),
)
