"""What of a pipeline is stored and not acted on, for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


def enter(context: Context, structure: dict[str, Any]) -> None:
    """Enter each such part of a pipeline in the ledger."""
    sources = [
        item for stage in structure["stages"] for item in stage["actions"] if "S3Bucket" in item["configuration"]
    ]
    found = {
        "polling for changes of the source is not rehearsed; a rule on the bucket's events starts it": any(
            item["configuration"].get("PollForSourceChanges", "true").lower() != "false" for item in sources
        ),
        "triggers on a git repository are stored": bool(structure.get("triggers")),
        "actions of other regions run in this one": any(
            item.get("region") not in (None, context.region)
            for stage in structure["stages"]
            for item in stage["actions"]
        ),
    }
    for text in [text for text, applies in found.items() if applies]:
        context.ledger.note(text, about=structure["name"])
