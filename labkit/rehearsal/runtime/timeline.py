"""What services announced, with the emulated time: the story of a rehearsal as a list."""

from __future__ import annotations

import json
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

# What an event is about, in the order in which its detail is searched; then what became of it.
_ABOUT = (
    *("TrainingJobName", "ProcessingJobName", "ModelPackageArn", "EndpointName", "alarmName", "pipeline"),
    *("pipelineArn", "currentPipelineExecutionArn", "project-name", "bucket"),
)
_STATE = (
    *("TrainingJobStatus", "ProcessingJobStatus", "ModelApprovalStatus", "EndpointStatus", "state"),
    *("currentPipelineExecutionStatus", "build-status", "reason"),
)


class Timeline:
    """Every event that reached an event bus."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._events: list[dict[str, str]] = []

    def add(self, event: dict[str, Any]) -> None:
        """Note one event."""
        detail = _detail(event.get("Detail"))
        about = next((detail[name] for name in _ABOUT if detail.get(name)), "")
        state = next((detail[name] for name in _STATE if detail.get(name)), "")
        if isinstance(state, dict):  # alarms
            state = state.get("value", "")
        if isinstance(about, dict):  # objects
            about = f"{about.get('name', '')}/{detail.get('object', {}).get('key', '')}"
        where = "/".join(str(detail[name]) for name in ("stage", "action") if detail.get(name))
        entry = {
            "time": f"{self._context.clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "source": str(event.get("Source", "")),
            "event": str(event.get("DetailType", "")),
            "about": " ".join(part for part in (_named(str(about)), where) if part),
            "state": str(state),
        }
        with self._lock:
            self._events.append(entry)

    def as_json(self) -> dict[str, Any]:
        """Everything so far, in order."""
        with self._lock:
            return {"events": list(self._events)}


def install(context: Context) -> None:
    """Listen to every event bus, and answer ``/rehearsal/timeline``."""
    timeline = Timeline(context)
    context.on_import("moto.events.models", lambda module: _listen(module, timeline))
    context.route("timeline", lambda method, rest, body: timeline.as_json())


def _listen(module: ModuleType, timeline: Timeline) -> None:
    backend: Any = module.EventsBackend
    put = backend.put_events

    def put_events(self: Any, events: list[dict[str, Any]]) -> Any:
        for event in events:
            timeline.add(event)
        return put(self, events)

    backend.put_events = put_events


def _named(about: str) -> str:
    """A name without the ARN before it; a version keeps the group it belongs to."""
    return about.rpartition(":")[2].partition("/")[2] or about.rpartition(":")[2]


def _detail(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
