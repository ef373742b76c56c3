"""A stack and its resources, with the events that tell what happened to them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from labkit.rehearsal.stacks.template import Template


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
