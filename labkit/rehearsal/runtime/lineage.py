"""Lineage: artifacts, actions and contexts, and what came of what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.refusal import Refusal
from labkit.rehearsal.runtime.job_checks import invalid
from labkit.rehearsal.runtime.paging import page
from labkit.rehearsal.runtime.registry import caller

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

KINDS = ("Artifact", "Action", "Context")
_DEEPEST = 10


@dataclass
class Entity:
    """One artifact, action or context."""

    kind: str
    arn: str
    members: dict[str, Any]
    created: datetime

    @property
    def name(self) -> str:
        """Its name; an artifact may have none."""
        return str(self.members.get(f"{self.kind}Name", ""))

    @property
    def type(self) -> str:
        """What it is, such as ``Model``."""
        return str(self.members[f"{self.kind}Type"])


@dataclass
class Association:
    """From a source to what came of it."""

    source: Entity
    destination: Entity
    type: str
    created: datetime


class Lineage:
    """The lineage of one account and region. Nothing enters it by itself."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.entities: dict[str, Entity] = {}
        self.associations: dict[tuple[str, str], Association] = {}

    def create(self, kind: str, request: dict[str, Any]) -> Entity:
        """Enter an entity; an artifact is known by its source, the others by their name."""
        mark = request["Source"]["SourceUri"] if kind == "Artifact" else request[f"{kind}Name"]
        number = hashlib.md5(mark.encode(), usedforsecurity=False).hexdigest() if kind == "Artifact" else mark.lower()
        here = self._context
        arn = f"arn:{here.partition}:sagemaker:{here.region}:{here.account}:{kind.lower()}/{number}"
        if arn in self.entities:
            raise invalid(f"{kind} already exists: {arn}")
        members = {name: value for name, value in request.items() if name != "Tags"}
        entity = self.entities[arn] = Entity(kind, arn, members, here.clock.now())
        return entity

    def get(self, given: str) -> Entity:
        """By ARN, or by name."""
        found = self.entities.get(given) or next((one for one in self.entities.values() if one.name == given), None)
        if found is None:
            raise Refusal("ResourceNotFound", f"Lineage entity {given} does not exist.")
        return found

    def describe(self, entity: Entity) -> dict[str, Any]:
        """The answer of Describe."""
        return {
            **entity.members,
            f"{entity.kind}Arn": entity.arn,
            "CreationTime": entity.created,
            "LastModifiedTime": entity.created,
            "CreatedBy": caller(self._context),
        }

    def delete(self, entity: Entity) -> None:
        """Forget an entity that is associated with nothing."""
        if any(entity.arn in ends for ends in self.associations):
            raise invalid(f"{entity.arn} cannot be deleted: it has associations.")
        del self.entities[entity.arn]

    def associate(self, source: str, destination: str, type: str) -> None:
        """Enter that ``destination`` came of ``source``."""
        ends = (self.get(source).arn, self.get(destination).arn)
        if ends in self.associations:
            raise invalid(f"An association between {ends[0]} and {ends[1]} exists already.")
        source_entity, destination_entity = self.entities[ends[0]], self.entities[ends[1]]
        now = self._context.clock.now()
        self.associations[ends] = Association(source_entity, destination_entity, type, now)

    def reached(self, starts: Iterable[str], *, direction: str, depth: int) -> tuple[list[Entity], list[Association]]:
        """Entities and associations that lead to (``Ascendants``) or from (``Descendants``) ``starts``."""
        seen: dict[str, Entity] = {}
        edges: dict[tuple[str, str], Association] = {}
        edge = [self.get(start).arn for start in starts]
        begun = set(edge)
        for _ in range(depth):
            following = []
            for ends, one in self.associations.items():
                for here, there, way in ((0, one.destination, "Descendants"), (1, one.source, "Ascendants")):
                    if ends[here] in edge and direction in (way, "Both"):
                        edges[ends] = one
                        if there.arn not in seen and there.arn not in begun:
                            seen[there.arn] = there
                            following.append(there.arn)
            edge = following
        return list(seen.values()), list(edges.values())


def install(context: Context) -> None:
    """Have moto's SageMaker keep lineage."""
    lineage = Lineage(context)
    context.on_import("moto.sagemaker.responses", lambda module: _patch(module, lineage))
    context.ledger.note(
        "lineage holds what is entered by call; AWS also enters jobs and models by itself", about="sagemaker"
    )


def _patch(module: ModuleType, lineage: Lineage) -> None:
    response, result = module.SageMakerResponse, module.ActionResult
    for kind in KINDS:
        for name, operation in _of_kind(kind, lineage, result).items():
            setattr(response, name, operation)

    def add_association(self: Any) -> Any:
        source, destination = self._get_param("SourceArn"), self._get_param("DestinationArn")
        lineage.associate(source, destination, self._get_param("AssociationType") or "ContributedTo")
        return result({"SourceArn": source, "DestinationArn": destination})

    def delete_association(self: Any) -> Any:
        ends = (self._get_param("SourceArn"), self._get_param("DestinationArn"))
        if lineage.associations.pop(ends, None) is None:
            raise Refusal("ResourceNotFound", f"No association between {ends[0]} and {ends[1]}.")
        return result({"SourceArn": ends[0], "DestinationArn": ends[1]})

    def list_associations(self: Any) -> Any:
        source, destination = self._get_param("SourceArn"), self._get_param("DestinationArn")
        found = [
            {
                "SourceArn": one.source.arn,
                "DestinationArn": one.destination.arn,
                "SourceType": one.source.type,
                "DestinationType": one.destination.type,
                "AssociationType": one.type,
                "SourceName": one.source.name,
                "DestinationName": one.destination.name,
                "CreationTime": one.created,
            }
            for one in lineage.associations.values()
            if source in (None, one.source.arn) and destination in (None, one.destination.arn)
        ]
        return result(page(self, "AssociationSummaries", found))

    def query_lineage(self: Any) -> Any:
        request = json.loads(self.body)
        entities, edges = lineage.reached(
            request.get("StartArns") or [],
            direction=request.get("Direction", "Both"),
            depth=int(request.get("MaxDepth", _DEEPEST)),
        )
        types = (request.get("Filters") or {}).get("Types")
        vertices = [
            {"Arn": one.arn, "Type": one.type, "LineageType": one.kind}
            for one in entities
            if not types or one.type in types
        ]
        told = [
            {"SourceArn": one.source.arn, "DestinationArn": one.destination.arn, "AssociationType": one.type}
            for one in edges
        ]
        return result({"Vertices": vertices, **({"Edges": told} if request.get("IncludeEdges", True) else {})})

    for function in (add_association, delete_association, list_associations, query_lineage):
        setattr(response, function.__name__, function)


def _of_kind(kind: str, lineage: Lineage, result: Any) -> dict[str, Callable[[Any], Any]]:
    lower = kind.lower()
    named = f"{kind}Arn" if kind == "Artifact" else f"{kind}Name"

    def create(self: Any) -> Any:
        return result({f"{kind}Arn": lineage.create(kind, json.loads(self.body)).arn})

    def describe(self: Any) -> Any:
        return result(lineage.describe(lineage.get(self._get_param(named))))

    def delete(self: Any) -> Any:
        entity = lineage.get(self._get_param(named))
        lineage.delete(entity)
        return result({f"{kind}Arn": entity.arn})

    def listing(self: Any) -> Any:
        uri, type = self._get_param("SourceUri"), self._get_param(f"{kind}Type")
        members = (f"{kind}Name", "Source", f"{kind}Type", "Status")
        found = [
            {
                **{name: one.members[name] for name in members if name in one.members},
                f"{kind}Arn": one.arn,
                "CreationTime": one.created,
                "LastModifiedTime": one.created,
            }
            for one in reversed(lineage.entities.values())
            if one.kind == kind and uri in (None, one.members["Source"]["SourceUri"]) and type in (None, one.type)
        ]
        return result(page(self, f"{kind}Summaries", found))

    return {
        f"create_{lower}": create,
        f"describe_{lower}": describe,
        f"delete_{lower}": delete,
        f"list_{lower}s": listing,
    }
