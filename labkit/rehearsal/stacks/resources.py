"""One resource of a stack: created, changed, replaced or deleted through its row, and entered in the ledger."""

from __future__ import annotations

import random
import string
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from labkit.rehearsal.context import Context
from labkit.rehearsal.stacks.faults import Refused, ResourceFailed
from labkit.rehearsal.stacks.schema import create_only, faults, pointers
from labkit.rehearsal.stacks.stack import Resource, Stack
from labkit.rehearsal.types import row as row_of
from labkit.rehearsal.types.record import record
from labkit.rehearsal.types.row import Made, Row, Scene

GONE = ("NotFound", "NoSuch", "404", "ResourceNotFoundException", "EntityNotFoundException", "InvalidVpcEndpointId")
SUFFIX = string.ascii_uppercase + string.digits


class Resources:
    """Does to single resources what a stack operation asks for."""

    def __init__(self, context: Context, region: str) -> None:
        self.context = context
        self.region = region

    def create(self, stack: Stack, resource: Resource) -> None:
        """Create a resource; fills its physical id and attributes.

        Raises:
            ResourceFailed: CloudFormation or the service would refuse it.
        """
        row = self._row(resource.type)
        if problems := faults(resource.type, resource.properties):
            raise ResourceFailed(
                "Properties validation failed for resource {} with message:\n{}".format(
                    resource.logical_id, "\n".join(problems)
                )
            )
        scene = self._scene(stack, resource, row, {})
        try:
            made = self._guarded(row.create, scene)
        except ResourceFailed:
            # What exists although creation failed half-way has to be found and removed by the rollback.
            resource.physical_id, resource.attributes = scene.physical_id, scene.attributes
            raise
        resource.physical_id, resource.attributes = made.ref, made.attributes
        self._enter(stack, resource, row, scene)

    def change(self, stack: Stack, resource: Resource, new: Mapping[str, Any]) -> Resource:
        """Change a resource, or make its replacement; returns what stands for it from now on.

        Raises:
            ResourceFailed: the change is refused.
        """
        row = self._row(resource.type)
        successor = Resource(
            resource.logical_id,
            resource.type,
            dict(new),
            attributes=dict(resource.attributes),
            physical_id=resource.physical_id,
            deletion_policy=resource.deletion_policy,
            replace_policy=resource.replace_policy,
        )
        if row.update is None or self._replaces(row, resource.properties, successor.properties):
            self._check_name(resource, successor)
            successor.physical_id, successor.attributes = "", {}
            self.create(stack, successor)
            return successor
        if problems := faults(resource.type, successor.properties):
            raise ResourceFailed(
                "Properties validation failed for resource {} with message:\n{}".format(
                    resource.logical_id, "\n".join(problems)
                )
            )
        scene = self._scene(stack, successor, row, resource.properties)
        made = self._guarded(row.update, scene)
        successor.physical_id, successor.attributes = made.ref, made.attributes
        self._enter(stack, successor, row, scene)
        return successor

    def delete(self, stack: Stack, resource: Resource) -> None:
        """Delete a resource; one that is gone already counts as deleted.

        Raises:
            ResourceFailed: the service refuses.
        """
        row = self._row(resource.type)
        scene = self._scene(stack, resource, row, resource.properties)

        def remove(scene: Scene) -> Made:
            try:
                row.delete(scene)
            except ClientError as error:
                if not any(word in error.response["Error"]["Code"] for word in GONE):
                    raise
            return Made(resource.physical_id)

        self._guarded(remove, scene)

    def _row(self, type: str) -> Row:
        return row_of(type) or record(type)

    def _scene(self, stack: Stack, resource: Resource, row: Row, old: Mapping[str, Any]) -> Scene:
        return Scene(
            context=self.context,
            stack=stack.name,
            stack_id=stack.id,
            logical_id=resource.logical_id,
            type=resource.type,
            properties=resource.properties,
            old=dict(old),
            physical_id=resource.physical_id,
            attributes=resource.attributes,
            suffix="".join(random.choices(SUFFIX, k=12)),  # noqa: S311 - a name
            region=self.region,
            accepted=row.accepted,
        )

    def _guarded(self, act: Callable[[Scene], Made], scene: Scene) -> Made:
        try:
            return act(scene)
        except ClientError as error:
            told, meta = error.response["Error"], error.response.get("ResponseMetadata", {})
            raise ResourceFailed(
                f'Resource handler returned message: "{told.get("Message")} (Service: {error.operation_name}, '
                f'Status Code: {meta.get("HTTPStatusCode")})" (HandlerErrorCode: {told.get("Code")})'
            ) from None
        except (BotoCoreError, Refused) as error:
            raise ResourceFailed(f'Resource handler returned message: "{error}"') from None
        except ResourceFailed:
            raise
        except Exception as error:
            traceback.print_exc()
            raise ResourceFailed(f"the rehearsal could not emulate {scene.type}: {error!r}") from None

    def _replaces(self, row: Row, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        decisive = create_only(row.type) | row.replaced_by
        return any(old.get(name) != new.get(name) for name in decisive)

    def _check_name(self, old: Resource, new: Resource) -> None:
        """A resource with a name of its own cannot be replaced under the same name."""
        identifiers = [name for name in pointers(old.type, "primaryIdentifier") if "." not in name]
        names = [name for name in identifiers if name.endswith("Name") or name == "Name"]
        if len(identifiers) == 1 and names and new.properties.get(names[0]) is not None:
            name = names[0]
            if old.properties.get(name) == new.properties[name]:
                raise ResourceFailed(
                    f"CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                    f"Rename {new.properties[name]} and update the stack again."
                )

    def _enter(self, stack: Stack, resource: Resource, row: Row, scene: Scene) -> None:
        ledger = self.context.ledger
        for name in scene.untaken:
            scene.drop(name)
        entry = ledger.resource(
            stack=stack.name,
            logical_id=resource.logical_id,
            type=resource.type,
            physical_id=resource.physical_id,
            label=row.label,
            unknown=row.label == "not rehearsed",
        )
        ledger.drop(stack.name, resource.logical_id, scene.dropped)
        entry.notes.extend(note for note in (*row.notes, *scene.notes) if note not in entry.notes)
