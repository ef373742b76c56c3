"""What runs in the networks of a template, or beside them: resources, and jobs that stand in definitions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.isolation.archives import Archives
from labkit.review.provers.isolation.calls import Reading
from labkit.review.provers.isolation.code import Code
from labkit.review.provers.isolation.documents import document, objects
from labkit.review.provers.isolation.needs import Need, Role, by_code, by_role, by_service
from labkit.review.provers.isolation.service_calls import ServiceCalls
from labkit.review.provers.permission.stack import Stack
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import as_list, cases, is_function, is_on, references

# Where definitions of jobs stand: in JSON, as text or not.
_DEFINITIONS = {
    "AWS::SageMaker::Pipeline": "PipelineDefinition.PipelineDefinitionBody",
    "AWS::StepFunctions::StateMachine": "DefinitionString",
    "AWS::Scheduler::Schedule": "Target.Input",
    "AWS::Events::Rule": "Targets.*.Input",
    "AWS::Lambda::Function": "Environment.Variables.*",
    "AWS::SSM::Parameter": "Value",
}
_MORE_DEFINITIONS = {"AWS::StepFunctions::StateMachine": "Definition"}
_STARTS = re.compile(
    r"create_(training|processing|transform|hyper_parameter_tuning|auto_ml|compilation)_\w+|create_model$"
)
_JOINS = "ec2:CreateNetworkInterface"
_LOGGED_OUTSIDE = {"AWS::Lambda::Function": ("logs:",)}


_NOTHING = Reading()


@dataclass(frozen=True)
class Workload:
    """One thing that runs code or holds data.

    Args:
        logical_id: the resource, or the one whose definition holds the job.
        label: how to name it to a person.
        type: of the resource, or ``job``.
        given: what stands where subnets are named; empty: nothing.
        subnets: those of the template; ``None`` when one is not in it.
        groups: security groups; ``None`` when one is not in the template.
        placeable: whether it can be placed in subnets.
        addressable: whether it may have a public address.
        cut_off: whether its container has no network at all.
        needs: what it must reach.
        reading: its code, as far as it was read.
        what: what it reaches without subnets.
        role: logical id of its role, if that is in the template.
    """

    logical_id: str
    label: str
    type: str
    given: tuple[Any, ...]
    subnets: tuple[Resource, ...] | None
    groups: tuple[Resource, ...] | None
    placeable: bool = True
    addressable: bool = False
    cut_off: bool = False
    needs: tuple[Need, ...] = ()
    reading: Reading = _NOTHING
    what: str = ""
    role: str = ""


@cache
def table() -> dict[str, Any]:
    """The table of workloads and exposed properties."""
    return tomllib.loads((Path(__file__).parent / "workloads.toml").read_text(encoding="utf-8"))


@cache
def _rows() -> dict[str, dict[str, Any]]:
    """Each type with what both provers know of it."""
    found: dict[str, dict[str, Any]] = {}
    for type_, rows in by_type("workloads", "workload").items():
        found[type_] = dict(rows[0])
    for row in table()["more"]:
        found[row["type"]] = found.get(row["type"], {}) | row
    return found


class Finder:
    """Finds the workloads of a template."""

    def __init__(self, view: View, stack: Stack, archives: Archives) -> None:
        self._view = view
        self._stack = stack
        self._code = Code(view, archives)
        self._calls = ServiceCalls(view, stack)

    def every(self) -> list[Workload]:
        """All workloads, in the order of the template within a type."""
        found = []
        for type_, row in _rows().items():
            for resource in self._view.of(type_):
                found.append(self._resource(resource, row | self._without_place(resource)))
        found += self._jobs()
        return [*found, *self._joining(found)]

    def _joining(self, found: list[Workload]) -> Iterator[Workload]:
        """What runs with a role for SageMaker that may join the network, and is started outside of the template."""
        networks = self._view.of("AWS::EC2::VPC")
        placed = [one for one in found if one.subnets and one.groups]
        if len(networks) != 1 or not placed:
            return
        groups = tuple(dict.fromkeys(group for one in placed for group in one.groups or ()))
        known = {one.role for one in found}
        for role in self._view.of("AWS::IAM::Role"):
            trusted = "sagemaker.amazonaws.com" in str(role.properties.get("AssumeRolePolicyDocument"))
            if trusted and role.logical_id not in known and self._view.roles.may(role, _JOINS) == "yes":
                holder = Role(self._stack, role.logical_id)
                label = f"what runs with {role.logical_id} in the network"
                needs = by_role(holder, label, besides=("logs:", "ecr:", "cloudwatch:", "sagemaker:"))
                disputed = by_service(table()["job"]["disputed"], f"SageMaker for {label}", holder,
                                      self._view.region, self._view.partition, "disputed")  # fmt: skip
                doubt = Reading(doubts=("it is started outside of the template",))
                subnets = tuple(self._view.of("AWS::EC2::Subnet"))
                yield Workload(role.logical_id, label, "job or model", tuple(one.logical_id for one in subnets), subnets, groups,
                               needs=(*needs, *disputed), reading=doubt, role=role.logical_id)  # fmt: skip

    def _without_place(self, resource: Resource) -> dict[str, Any]:
        if resource.type != "AWS::SageMaker::Model" or resource.logical_id not in self._serverless:
            return {}
        return {"place": False, "what": "is served by a serverless endpoint, which takes no VPC"}

    @cached_property
    def _serverless(self) -> set[str]:
        found: set[str] = set()
        for configuration in self._view.of("AWS::SageMaker::EndpointConfig"):
            for _, variant in configuration.each("ProductionVariants.*"):
                if isinstance(variant, dict) and variant.get("ServerlessConfig") is not None:
                    found |= references(variant.get("ModelName"))
        return found

    def _role(self, value: Any) -> Role:
        return Role.named(self._view, self._stack, value)

    def _resource(self, resource: Resource, row: dict[str, Any]) -> Workload:
        role = self._role(resource.one(row["role"])) if "role" in row else Role(self._stack)
        given = self._view.items(resource, row["subnets"]) if "subnets" in row else []
        cut_off = "cut_off" in row and is_on(resource.one(row["cut_off"]))
        reading = self._code.of(resource) if "role" in row else Reading()
        label = resource.logical_id
        applies = all(self._view.plain(resource.one(path)) == value for path, value in row.get("equals", {}).items())
        needs: list[Need] = []
        if given and applies:
            needs += self._calls.of(resource, row, role, label)
        if not cut_off:
            needs += by_code(reading, role, label)
            if reading.doubts and "role" in row and given:
                needs += by_role(role, label, besides=_LOGGED_OUTSIDE.get(resource.type, ()))
        return self._placed(resource.logical_id, label, resource.type, given,
                            self._view.items(resource, row["groups"]) if "groups" in row else [],
                            placeable=row.get("place", True), addressable=row.get("addressable", False),
                            cut_off=cut_off, needs=tuple(needs), reading=reading, what=row.get("what", ""),
                            role=role.logical_id)  # fmt: skip

    def _placed(
        self, logical_id: str, label: str, type_: str, given: list[Any], groups: list[Any], **more: Any
    ) -> Workload:
        subnets = self._view.network.subnets(given) if given else []
        named = self._view.groups.of(groups)
        return Workload(
            logical_id,
            label,
            type_,
            tuple(map(str, given)),
            None if subnets is None else tuple(subnets),
            None if named is None else tuple(named),
            **more,
        )

    def _jobs(self) -> Iterator[Workload]:
        for places in (_DEFINITIONS, _MORE_DEFINITIONS):
            for type_, path in places.items():
                for resource in self._view.of(type_):
                    for _, value in resource.each(path):
                        for case in cases(value):
                            yield from self._defined(resource, document(case))

    def _defined(self, resource: Resource, content: Any) -> Iterator[Workload]:
        for around, body in objects(content) if content is not None else ():
            kind = _kind(body)
            if not kind or any(_kind(one) for one in around):
                continue
            step = next((str(one["Name"]) for one in reversed(around) if isinstance(one.get("Name"), str)), kind)
            yield self._job(resource, f"{step} ({kind}) of {resource.logical_id}", kind, body)

    def _job(self, resource: Resource, label: str, kind: str, body: dict[str, Any]) -> Workload:
        network = body.get("NetworkConfig") if isinstance(body.get("NetworkConfig"), dict) else body
        place = network.get("VpcConfig") if isinstance(network, dict) else None
        place = place if isinstance(place, dict) and not is_function(place) else {}
        cut_off = isinstance(network, dict) and is_on(network.get("EnableNetworkIsolation"))
        role = self._role(body.get("RoleArn", body.get("ExecutionRoleArn")))
        given = as_list(place.get("Subnets"))
        needs: list[Need] = []
        row = table()["job"]
        why = f"SageMaker for {label}"
        reading = self._code.of_job(body)
        if given:
            needs += self._calls.by_uris(body, why)
            region, partition = self._view.region, self._view.partition
            needs += by_service(row["disputed"], why, role, region, partition, "disputed")
        if not cut_off:
            needs += by_code(reading, role, label)
            if reading.doubts and given:
                needs += by_role(role, label, besides=("logs:", "ecr:", "cloudwatch:"))
        return self._placed(resource.logical_id, label, f"{kind} job", given, as_list(place.get("SecurityGroupIds")),
                            cut_off=cut_off, needs=tuple(needs), reading=reading, role=role.logical_id)  # fmt: skip


def started_by(reading: Reading) -> list[str]:
    """Where code starts jobs or makes models of its own."""
    return [call.place for call in reading.calls if call.client == "sagemaker" and _STARTS.fullmatch(call.operation)]


def _kind(body: dict[str, Any]) -> str:
    """What a definition is, told by the members that only it has."""
    if "AlgorithmSpecification" in body and ("ResourceConfig" in body or "InputDataConfig" in body):
        return "training"
    if "AppSpecification" in body and "ProcessingResources" in body:
        return "processing"
    if "ExecutionRoleArn" in body and ("PrimaryContainer" in body or "Containers" in body):
        return "model"
    return ""
