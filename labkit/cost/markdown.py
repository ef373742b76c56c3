"""An estimate as Markdown, for a lab's README."""

from __future__ import annotations

from labkit.cost.estimate import Estimate
from labkit.cost.tables import driven, running, staying, totals


def markdown(estimate: Estimate) -> str:
    """The cost section: the totals, what runs by the hour, what use drives, what stays, and what is left out."""
    parts = [table([{"": name, "USD": figure} for name, figure in totals(estimate)])]
    parts += _section("What runs by the hour", running(estimate))
    parts += _section("What use drives: a price, and no amount that could be known beforehand", driven(estimate))
    parts += _section("What stays after destroy", staying(estimate))
    parts.append("\n".join(f"- {note}" for note in estimate.notes))
    return "\n\n".join(parts)


def table(rows: list[dict[str, str]]) -> str:
    """Rows with the same keys as a Markdown table."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([row[key] for key in head] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _section(title: str, rows: list[dict[str, str]]) -> list[str]:
    return [f"**{title}**", table(rows)] if rows else []
