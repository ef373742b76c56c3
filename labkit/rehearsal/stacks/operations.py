"""Stack operations as CloudFormation does them: in the order of need, with events, rollback and clean-up."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from labkit.rehearsal.context import Context
from labkit.rehearsal.stacks.faults import Refused, ResourceFailed
from labkit.rehearsal.stacks.reading import Reading
from labkit.rehearsal.stacks.resources import Resources
from labkit.rehearsal.stacks.stack import Resource, Stack, in_order
from labkit.rehearsal.stacks.values import Values


class Operations:
    """Creates, updates and deletes the resources of stacks; each method ends with the stack's final status."""

    def __init__(self, context: Context, region: str, reading: Reading) -> None:
        self.context = context
        self._reading = reading
        self._resources = Resources(context, region)

    def create(self, stack: Stack) -> None:
        """Create every resource; a failure is rolled back as the stack wishes."""
        values = self._reading.values(stack, stack.template, stack.resolved)
        try:
            for logical_id in stack.template.order:
                if self._reading.wanted(stack.template, values, logical_id):
                    resource = self._reading.declared(stack.template, values, logical_id)
                    self._make(stack, resource, values)
            stack.outputs = self._reading.outputs(stack, values)
        except (ResourceFailed, Refused) as error:
            failed = [item.logical_id for item in stack.resources.values() if item.status == "CREATE_FAILED"]
            reason = f"The following resource(s) failed to create: [{', '.join(failed)}]." if failed else str(error)
            if stack.on_failure == "DO_NOTHING":
                self._tell(stack, "CREATE_FAILED", reason)
                return
            self._tell(stack, "ROLLBACK_IN_PROGRESS", f"{reason} Rollback requested by user.")
            left = self._remove_all(stack, set(), rollback=True)
            if stack.on_failure == "DELETE" and not left:
                stack.deleted = self.context.clock.now()
                self._tell(stack, "DELETE_COMPLETE")
            else:
                self._tell(stack, "ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", _left(left))
            return
        self._tell(stack, "CREATE_COMPLETE")

    def update(self, stack: Stack, restore: Callable[[], None]) -> None:
        """Bring the resources to the stack's new template; after a failure ``restore`` puts the old template back."""
        values = self._reading.values(stack, stack.template, stack.resolved)
        before = dict(stack.resources)
        obsolete: list[Resource] = []
        undo: list[Callable[[], None]] = []
        try:
            wanted = [name for name in stack.template.order if self._reading.wanted(stack.template, values, name)]
            for logical_id in wanted:
                fresh = self._reading.declared(stack.template, values, logical_id)
                old = before.get(logical_id)
                if old is None or old.type != fresh.type:
                    stack.resources.pop(logical_id, None)
                    undo.append(lambda made=fresh, old=old: self._undo_make(stack, made, old))  # type: ignore[misc]
                    self._make(stack, fresh, values)
                    if old is not None:
                        obsolete.append(old)
                    continue
                properties = values.of(stack.template.resources[logical_id].get("Properties") or {})
                old.needs, old.deletion_policy = fresh.needs, fresh.deletion_policy
                old.replace_policy = fresh.replace_policy
                if properties != old.properties:
                    changed = self._alter(stack, old, properties)
                    undo.append(lambda old=old, changed=changed: self._undo_alter(stack, old, changed))  # type: ignore[misc]
                    if changed.physical_id != old.physical_id:
                        obsolete.append(old)
            stack.outputs = self._reading.outputs(stack, values)
        except (ResourceFailed, Refused) as error:
            failed = [
                item.logical_id
                for item in stack.resources.values()
                if item.status in ("CREATE_FAILED", "UPDATE_FAILED")
            ]
            told = (
                f"The following resource(s) failed to create or update: [{', '.join(failed)}]."
                if failed
                else str(error)
            )
            self._tell(stack, "UPDATE_ROLLBACK_IN_PROGRESS", told)
            restore()
            try:
                for step in reversed(undo):
                    step()
                stack.resources = {name: stack.resources.get(name, old) for name, old in before.items()}
                self._tell(stack, "UPDATE_ROLLBACK_COMPLETE")
            except ResourceFailed as second:
                self._tell(stack, "UPDATE_ROLLBACK_FAILED", str(second))
            return
        self._tell(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        gone = [old for name, old in before.items() if name not in wanted]
        for old in reversed(in_order([*obsolete, *gone])):
            keep = old.replace_policy if old in obsolete else old.deletion_policy
            if keep in ("Retain", "RetainExceptOnCreate"):
                stack.resources.pop(old.logical_id, None) if old in gone else None
                continue
            # As in CloudFormation, what cannot be cleaned up is left behind; the event tells it.
            with contextlib.suppress(ResourceFailed):
                self._unmake(stack, old, entered=old in gone)
            if old in gone:
                stack.resources.pop(old.logical_id, None)
        self._tell(stack, "UPDATE_COMPLETE")

    def delete(self, stack: Stack, retain: set[str]) -> None:
        """Delete every resource that is not retained."""
        left = self._remove_all(stack, retain, rollback=False)
        if left:
            self._tell(stack, "DELETE_FAILED", _left(left))
            return
        stack.deleted = self.context.clock.now()
        stack.outputs = []
        self._tell(stack, "DELETE_COMPLETE")

    def _remove_all(self, stack: Stack, retain: set[str], *, rollback: bool) -> list[str]:
        """Delete in reverse order of need; returns the logical ids that could not be deleted."""
        left: list[str] = []
        blocked: set[str] = set()
        for resource in reversed(in_order(list(stack.resources.values()))):
            if resource.status == "DELETE_COMPLETE":
                continue
            keeps = resource.deletion_policy == "Retain" or (
                resource.deletion_policy == "RetainExceptOnCreate" and not rollback
            )
            if (keeps and resource.physical_id) or resource.logical_id in retain:
                self._status(stack, resource, "DELETE_SKIPPED")
                continue
            if resource.logical_id in blocked:
                blocked |= resource.needs
                continue
            if not resource.physical_id:
                self._status(stack, resource, "DELETE_COMPLETE")
                continue
            try:
                self._unmake(stack, resource, entered=True)
            except ResourceFailed:
                left.append(resource.logical_id)
                blocked |= resource.needs
        return left

    def _make(self, stack: Stack, resource: Resource, values: Values) -> None:
        stack.resources[resource.logical_id] = resource
        self._status(stack, resource, "CREATE_IN_PROGRESS")
        try:
            resource.properties = values.of(stack.template.resources[resource.logical_id].get("Properties") or {})
            self._resources.create(stack, resource)
        except (ResourceFailed, Refused) as error:
            self._status(stack, resource, "CREATE_FAILED", str(error))
            raise
        self._status(stack, resource, "CREATE_COMPLETE")

    def _alter(self, stack: Stack, old: Resource, properties: dict[str, Any]) -> Resource:
        self._status(stack, old, "UPDATE_IN_PROGRESS")
        try:
            new = self._resources.change(stack, old, properties)
        except ResourceFailed as error:
            self._status(stack, old, "UPDATE_FAILED", str(error))
            raise
        new.needs = old.needs
        stack.resources[old.logical_id] = new
        self._status(stack, new, "UPDATE_COMPLETE")
        return new

    def _undo_make(self, stack: Stack, made: Resource, old: Resource | None) -> None:
        if made.physical_id:
            self._unmake(stack, made, entered=True)
        stack.resources.pop(made.logical_id, None)
        if old is not None:
            stack.resources[old.logical_id] = old

    def _undo_alter(self, stack: Stack, old: Resource, changed: Resource) -> None:
        if changed.physical_id != old.physical_id:
            self._unmake(stack, changed, entered=False)
            stack.resources[old.logical_id] = old
        else:
            self._alter(stack, changed, old.properties)

    def _unmake(self, stack: Stack, resource: Resource, *, entered: bool) -> None:
        self._status(stack, resource, "DELETE_IN_PROGRESS")
        try:
            self._resources.delete(stack, resource)
        except ResourceFailed as error:
            self._status(stack, resource, "DELETE_FAILED", str(error))
            raise
        self._status(stack, resource, "DELETE_COMPLETE")
        if entered:
            self.context.ledger.status(stack.name, resource.logical_id, "DELETE_COMPLETE")

    def _tell(self, stack: Stack, status: str, reason: str = "") -> None:
        stack.tell(self.context.clock.now(), status, reason)

    def _status(self, stack: Stack, resource: Resource, status: str, reason: str = "") -> None:
        stack.tell_of(self.context.clock.now(), resource, status, reason)


def _left(logical_ids: list[str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(logical_ids)}]." if logical_ids else ""
