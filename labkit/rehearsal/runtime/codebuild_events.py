"""The events of a build, as EventBridge gets them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.announcing import announce

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

Record = dict[str, Any]


def state(context: Context, record: Record) -> None:
    """A build begins or is over."""
    _announce(context, record, "CodeBuild Build State Change", {"build-status": record["buildStatus"]})


def phase(context: Context, record: Record, over: Record) -> None:
    """A phase of a build is over."""
    times = {"completed-phase-start": over["startTime"], "completed-phase-end": over["endTime"]}
    detail = {
        "completed-phase": over["phaseType"],
        "completed-phase-status": over["phaseStatus"],
        "completed-phase-context": _context_text(over),
        "completed-phase-duration-seconds": over["durationInSeconds"],
        **{name: _stamp(moment) for name, moment in times.items()},
    }
    _announce(context, record, "CodeBuild Build Phase Change", detail)


def _announce(context: Context, record: Record, kind: str, first: Record) -> None:
    more = {
        "artifact": {"location": record["artifacts"].get("location", "")},
        "environment": record["environment"],
        "timeout-in-minutes": record["timeoutInMinutes"],
        "build-complete": record["buildComplete"],
        "initiator": record["initiator"],
        "build-start-time": _stamp(record["startTime"]),
        "source": record["source"],
        "logs": {key: item for key, item in record["logs"].items() if isinstance(item, str)},
        "phases": [
            {
                "phase-type": phase["phaseType"],
                "phase-status": phase.get("phaseStatus", ""),
                "phase-context": [_context_text(phase)],
                "start-time": _stamp(phase["startTime"]),
                **({"end-time": _stamp(phase["endTime"])} if "endTime" in phase else {}),
            }
            for phase in record["phases"]
        ],
    }
    detail = {
        **first,
        "project-name": record["projectName"],
        "build-id": record["arn"],
        "current-phase": record["currentPhase"],
        "additional-information": more,
        "version": "1",
    }
    announce(context, "aws.codebuild", kind, detail, [record["arn"]])


def _context_text(phase: Record) -> str:
    found = (phase.get("contexts") or [{}])[0]
    return f"{found.get('statusCode', '')}: {found.get('message', '')}"


def _stamp(moment: datetime) -> str:
    return f"{moment:%b %d, %Y %I:%M:%S %p}"
