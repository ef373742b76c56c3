"""What a workload must reach: the calls of its code, and those that the service makes for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from labkit.review.provers.deployability.kit.tables import actions as every_action
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.isolation.calls import Call, Reading, clients
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.symbols import STAR, has_tokens, pattern

# certain: the workload fails without it. disputed: AWS's own pages contradict each other on whether the call goes by
# the VPC. possible: the code cannot be read, and the role allows it.
Certainty = Literal["certain", "disputed", "possible"]


@dataclass(frozen=True)
class Need:
    """One API that is called.

    Args:
        service: name of the endpoint's service after ``com.amazonaws.<region>.``; empty when not known.
        action: such as ``s3:GetObject``; empty: any.
        targets: ARNs as patterns, where they are known.
        why: who calls, in words.
        region: of the call, if it is not the stack's own.
    """

    service: str
    action: str
    targets: tuple[str, ...]
    why: str
    certainty: Certainty = "certain"
    region: str = ""


# What a service calls for the workload through the workload's interfaces.
_BY_SERVICE = {
    "logs": ("logs:CreateLogStream", "logs:PutLogEvents"),
    "monitoring": ("cloudwatch:PutMetricData",),
    "ecr.api": ("ecr:GetAuthorizationToken", "ecr:BatchGetImage"),
    "ecr.dkr": ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
}
# Actions that a role holds for what services do on their own side.
_NOT_CALLED = ("ec2:", "iam:PassRole", "kms:", "xray:", "elasticfilesystem:Client")
_RUNTIME = {
    "sagemaker": (
        (("invokeendpoint",), "sagemaker.runtime"),
        (("putrecord", "getrecord", "deleterecord", "batchgetrecord"), "sagemaker.featurestore-runtime"),
        (("batchputmetrics",), "sagemaker.metrics"),
        (("",), "sagemaker.api"),
    ),
    "bedrock": (
        (("invokemodel", "converse", "applyguardrail"), "bedrock-runtime"),
        (("retrieve", "invokeagent"), "bedrock-agent-runtime"),
        (("",), "bedrock"),
    ),
    "dynamodb": ((("",), "dynamodb"),),
    "apigateway": ((("",), "apigateway"),),
}  # fmt: skip


def by_service(
    services: Iterable[str], why: str, role: Role, region: str, partition: str, certainty: Certainty = "certain"
) -> Iterator[Need]:
    """What a service calls for a workload of its own accord."""
    for service in services:
        for action in _BY_SERVICE.get(service, ("",)):
            yield Need(service, action, role.targets(action) if action else (), why, certainty)
        if service == "ecr.dkr":
            layers = f"arn:{partition}:s3:::prod-{region}-starport-layer-bucket/{STAR}"
            yield Need("s3", "s3:GetObject", (layers,), f"{why}: image layers", certainty)


def by_code(reading: Reading, role: Role, what: str) -> Iterator[Need]:
    """What code calls."""
    for call in reading.calls:
        if not call.client:
            yield Need("", "", (), f"{what} makes a client at {call.place} whose service only running it tells")
            continue
        service, _ = names_of(call.client)
        for action in actions_of(call) or ("",):
            why = f"{what} calls {action or call.client} at {call.place}"
            yield Need(service, action, role.targets(action) if action else (), why, region=call.region)


def by_role(role: Role, what: str, *, besides: Iterable[str]) -> Iterator[Need]:
    """What code that cannot be read may call: it reaches nothing that its role does not allow."""
    skipped = tuple(one.lower() for one in (*_NOT_CALLED, *besides))
    for action in role.actions():
        plain = action.lower()
        if plain.startswith(skipped):
            continue
        if plain.startswith(STAR):
            yield Need("", "", (), f"{what} may call anything that its role allows", "possible")
            continue
        service = _service_of(plain)
        exact = not (STAR in action or has_tokens(action))
        yield Need(service, action if exact else "", role.targets(action) if exact else (),
                   f"{what} may call {action.replace(STAR, '*')}", "possible")  # fmt: skip


def names_of(client: str) -> tuple[str, str]:
    """The service of a client's endpoint, and the prefix of its actions."""
    known = clients()["clients"].get(client)
    return (str(known[0]), str(known[1])) if known else (client, client)


def has_no_endpoint(service: str) -> bool:
    """Tell whether no VPC endpoint exists for a service."""
    return service in clients()["without"]["clients"]


@cache
def actions_of(call: Call) -> tuple[str, ...]:
    """The actions of an operation, as policies name them; none when that is not known."""
    if not call.operation:
        return ()
    known = clients()["actions"].get(f"{call.client}.{call.operation}")
    if known:
        return tuple(known)
    _, prefix = names_of(call.client)
    name = "".join(part.capitalize() for part in call.operation.split("_"))
    existing = {one.lower(): one for one in every_action().get(prefix, ())}
    return (f"{prefix}:{name}",) if name.lower() in existing else ()


def _service_of(action: str) -> str:
    prefix, _, name = action.partition(":")
    for beginnings, service in _RUNTIME.get(prefix, ()):
        if name.startswith(beginnings):
            return service
    return next((row[0] for row in clients()["clients"].values() if row[1] == prefix), prefix)


@dataclass(frozen=True)
class Role:
    """What the role of a workload allows; without a logical id, one that is not in the template."""

    stack: Stack
    logical_id: str = ""

    @classmethod
    def named(cls, view: View, stack: Stack, value: Any) -> Role:
        """The role that a value names."""
        role = view.roles.of(value)
        return cls(stack, role.logical_id if role is not None else "")

    def _allowing(self) -> Iterator[Any]:
        for policy in self.stack.identity.get(self.logical_id, ()):
            yield from (one for one in policy.statements if one.effect == "Allow" or one.problem)

    def targets(self, action: str) -> tuple[str, ...]:
        """On what the role allows an action, as patterns."""
        found: dict[str, None] = {}
        for one in self._allowing():
            if not one.problem and not one.other_resources and one.acts(action).possible:
                found.update((pattern(text.value), None) for text in one.resources)
        return tuple(found)

    def actions(self) -> list[str]:
        """What the role allows, as patterns; a star when that is not in the template."""
        found: dict[str, None] = {}
        if not self.logical_id:
            return [STAR]
        for one in self._allowing():
            if one.problem or one.other_actions:
                found[STAR] = None
            found.update((pattern(text.value), None) for text in one.actions if not one.other_actions)
        return list(found)
