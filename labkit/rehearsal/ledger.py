"""What was emulated and how: every resource and every answer carries exactly one label, never none."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from labkit.rehearsal.canned import CANNED

Label = Literal["executed", "recorded", "not rehearsed"]
LABELS: tuple[Label, ...] = get_args(Label)


@dataclass
class Entry:
    """One resource of a stack.

    Args:
        label: ``executed`` (it behaves), ``recorded`` (stored and readable by its API, does nothing)
            or ``not rehearsed`` (only its shape was checked).
        dropped: template properties that the emulation did not take.
        notes: how the emulation differs from AWS here.
    """

    stack: str
    logical_id: str
    type: str
    physical_id: str
    label: Label
    dropped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unknown: bool = False
    status: str = "CREATE_COMPLETE"


@dataclass
class Note:
    """A difference from AWS that is not bound to one resource of a stack."""

    text: str
    about: str = ""


class Ledger:
    """The record of one emulator, safe to write from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._entries: dict[tuple[str, str], Entry] = {}
        self._executed_types: dict[str, str] = {}
        self._notes: list[Note] = []
        self._services: set[str] = set()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._answers: dict[tuple[str, str], tuple[Label, str]] = {
            call: ("not rehearsed", why) for call, why in CANNED.items()
        }

    def resource(
        self, *, stack: str, logical_id: str, type: str, physical_id: str, label: Label, unknown: bool = False
    ) -> Entry:
        """Enter a resource, or enter it anew after a replacement; dropped properties and notes are kept."""
        if label not in LABELS:
            raise ValueError(f"{type} {logical_id}: label {label!r} given; allowed: {', '.join(LABELS)}")
        with self._lock:
            entry = self._entries.get((stack, logical_id))
            if entry is None or entry.type != type:
                entry = Entry(stack, logical_id, type, physical_id, label, unknown=unknown)
                self._entries[stack, logical_id] = entry
            entry.physical_id, entry.label = physical_id, label
            if how := self._executed_types.get(type):
                entry.label = "executed"
                if how not in entry.notes:
                    entry.notes.append(how)
            return entry

    def forget(self, stack: str) -> None:
        """Drop the entries of an earlier stack of that name, which is deleted."""
        with self._lock:
            self._entries = {key: entry for key, entry in self._entries.items() if entry.stack != stack}

    def drop(self, stack: str, logical_id: str, paths: list[str]) -> None:
        """Enter template properties of a resource that the emulation did not take."""
        with self._lock:
            entry = self._entries[stack, logical_id]
            entry.dropped.extend(path for path in paths if path not in entry.dropped)

    def status(self, stack: str, logical_id: str, status: str) -> None:
        """Enter what became of a resource, as CloudFormation names it (``DELETE_COMPLETE``)."""
        with self._lock:
            if entry := self._entries.get((stack, logical_id)):
                entry.status = status

    def note(self, text: str, *, about: str = "") -> None:
        """Enter a difference from AWS.

        Args:
            about: logical or physical id, name or ARN of a resource, or a service; the note stands with the
                resource where there is one.
        """
        with self._lock:
            for entry in self._entries.values():
                if about and about in (entry.logical_id, entry.physical_id):
                    if text not in entry.notes:
                        entry.notes.append(text)
                    return
            if Note(text, about) not in self._notes:
                self._notes.append(Note(text, about))

    def executes(self, type: str, how: str) -> None:
        """Say that every resource of a CloudFormation type behaves, and how (a runtime module's claim)."""
        with self._lock:
            self._executed_types[type] = how
            for entry in self._entries.values():
                if entry.type == type:
                    entry.label = "executed"
                    entry.notes.append(how)

    def answers(self, service: str, operation: str, label: Label, because: str) -> None:
        """Say how an API operation is answered, such as ``("athena", "StartQueryExecution", "executed", "DuckDB")``."""
        if label not in LABELS:
            raise ValueError(f"{service}:{operation}: label {label!r} given; allowed: {', '.join(LABELS)}")
        with self._lock:
            self._answers[service, operation] = (label, because)

    def called(self, service: str, operation: str, *, refused: bool = False) -> None:
        """Count one answered request; ``refused``: the emulation does not know the operation."""
        with self._lock:
            self._calls[service, operation] += 1
            if refused:
                self._refused[service, operation] += 1

    def touched(self, service: str) -> None:
        """Note that a service was called by anybody, the emulator included."""
        self._services.add(service)

    def services(self) -> frozenset[str]:
        """The services that were ever called."""
        return frozenset(self._services)

    def as_json(self) -> dict[str, Any]:
        """Resources, notes and calls, as plain data."""
        with self._lock:
            calls = []
            for (service, operation), count in sorted(self._calls.items()):
                label, because = self._answers.get((service, operation), ("executed", ""))
                refused = self._refused[service, operation]
                if refused:
                    label, because = "not rehearsed", "the emulation does not know this operation"
                calls.append(
                    {
                        "service": service,
                        "operation": operation,
                        "count": count,
                        "refused": refused,
                        "label": label,
                        "because": because,
                    }
                )
            return {
                "resources": [asdict(entry) for entry in self._entries.values()],
                "notes": [asdict(note) for note in self._notes],
                "calls": calls,
            }
