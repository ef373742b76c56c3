"""The record of a type that the rehearsal does not emulate: its shape is checked, its identifiers are invented."""

from __future__ import annotations

from functools import cache

from labkit.rehearsal.stacks.faults import ResourceFailed
from labkit.rehearsal.stacks.schema import pointers, schema
from labkit.rehearsal.types.row import Made, Row, Scene, nothing


@cache
def record(type: str) -> Row:
    """A row that creates nothing and is labelled *not rehearsed*."""
    return Row(
        type=type,
        label="not rehearsed",
        create=_record,
        update=_record,
        delete=nothing,
        notes=("only its shape was checked; its identifiers are invented",),
    )


def _record(scene: Scene) -> Made:
    found = schema(scene.type)
    if found is None:
        raise ResourceFailed(
            f"Template format error: Unrecognized resource types: [{scene.type}]. "
            "It stands in no published CloudFormation schema."
        )
    properties = scene.rest()
    if scene.old:
        return Made(scene.physical_id, scene.attributes)
    name = scene.generated(longest=63)
    service, kind = (part.lower() for part in scene.type.split("::")[1:3])
    attributes = {
        attribute: scene.arn(service, f"{kind}/{name}") if attribute.lower().endswith("arn") else name
        for attribute in pointers(scene.type, "readOnlyProperties")
    }
    identifiers = [
        str(attributes.get(part, properties.get(part, name))) for part in pointers(scene.type, "primaryIdentifier")
    ]
    return Made("|".join(identifiers) or name, attributes)
