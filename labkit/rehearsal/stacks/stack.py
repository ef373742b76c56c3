"""A stack and its resources, with the events that tell what happened to them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from labkit.rehearsal.stacks.template import Template

STACK = "AWS::CloudFormation::Stack"


@dataclass
class Event:
    """One line of a stack's history."""

    event_id: str
    timestamp: datetime
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str = ""


@dataclass
class Resource:
    """A resource that exists, existed or failed."""

    logical_id: str
    type: str
    properties: dict[str, Any]
    physical_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    status: str = ""
    reason: str = ""
    changed: datetime | None = None
    needs: frozenset[str] = frozenset()
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"


@dataclass
class Stack:
    """A stack.

    Args:
        resources: by logical id, in the order in which they were created.
    """

    id: str
    name: str
    template: Template
    parameters: dict[str, str]
    tags: dict[str, str]
    created: datetime
    role_arn: str | None = None
    capabilities: list[str] = field(default_factory=list)
    on_failure: str = "ROLLBACK"
    protected: bool = False
    parent_id: str | None = None
    status: str = "CREATE_IN_PROGRESS"
    reason: str = ""
    updated: datetime | None = None
    deleted: datetime | None = None
    resolved: dict[str, Any] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[dict[str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def happened(
        self, now: datetime, logical_id: str, physical_id: str, type: str, status: str, reason: str = ""
    ) -> None:
        """Add an event."""
        self.events.append(Event(str(uuid.uuid4()), now, logical_id, physical_id, type, status, reason))

    @property
    def exports(self) -> dict[str, str]:
        """Exported values by export name."""
        return {out["ExportName"]: out["OutputValue"] for out in self.outputs if out.get("ExportName")}

    def tell(self, now: datetime, status: str, reason: str = "") -> None:
        """Give the stack a status, with its event."""
        self.status, self.reason = status, reason
        self.happened(now, self.name, self.id, STACK, status, reason)

    def tell_of(self, now: datetime, resource: Resource, status: str, reason: str = "") -> None:
        """Give a resource a status, with its event."""
        resource.status, resource.reason, resource.changed = status, reason, now
        self.happened(now, resource.logical_id, resource.physical_id, resource.type, status, reason)


def in_order(resources: list[Resource]) -> list[Resource]:
    """Resources with those first that others need."""
    by_id = {resource.logical_id: resource for resource in resources}
    done: dict[str, Resource] = {}

    def visit(logical_id: str) -> None:
        if logical_id in done or logical_id not in by_id:
            return
        for other in sorted(by_id[logical_id].needs):
            visit(other)
        done[logical_id] = by_id[logical_id]

    for logical_id in by_id:
        visit(logical_id)
    return list(done.values())
