"""The result of one rehearsal: each resource and step with its label, and everything that speaks against it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labkit.rehearsal.ledger import Label
from labkit.rehearsal.never import NEVER


@dataclass(frozen=True)
class Part:
    """A step or a claim.

    Args:
        label: ``executed``, or ``not rehearsed`` where it rests on an answer that no work stands behind.
        because: those answers.
        problem: what went wrong; empty where it went well.
    """

    name: str
    title: str
    seconds: float
    label: Label
    because: tuple[str, ...] = ()
    problem: str = ""


@dataclass
class Report:
    """What was rehearsed of one lab, and how."""

    lab: str
    stack: str
    region: str
    template_sha256: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    resources: list[dict[str, Any]] = field(default_factory=list)
    steps: list[Part] = field(default_factory=list)
    claims: list[Part] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    leftovers: list[dict[str, str]] = field(default_factory=list)
    kept: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    never: tuple[str, ...] = NEVER

    @property
    def ok(self) -> bool:
        """Whether the whole loop went well and nothing was left, dropped or unexpectedly unknown."""
        return not self.faults()

    def faults(self) -> list[str]:
        """Everything that makes the rehearsal fail, in plain words."""
        found = list(self.problems)
        found += [f"step {part.name}: {part.problem}" for part in self.steps if part.problem]
        found += [f"claim {part.name}: {part.problem}" for part in self.claims if part.problem]
        for one in self.resources:
            if one["dropped"]:
                found.append(
                    f"{one['logical_id']} ({one['type']}): properties not emulated: {', '.join(one['dropped'])}"
                )
            if one["unknown"]:
                found.append(f"{one['logical_id']} ({one['type']}): the rehearsal does not know this type")
        found += [f"left behind: {one['kind']} {one['identifier']}" for one in self.leftovers]
        return found

    def record(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"ok": self.ok, "faults": self.faults(), **asdict(self)}

    def write(self, path: Path) -> None:
        """Write the record whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(self.record(), indent=1, default=str) + "\n")
        draft.replace(path)

    def show(self, console: Any) -> None:
        """Print the report for a person."""
        from rich.markup import escape
        from rich.table import Table

        def say(text: str) -> None:
            console.print(escape(text), highlight=False, soft_wrap=True)

        verdict = "rehearsed" if self.ok else "rehearsal failed"
        say(
            f"{self.lab}: {verdict} in {sum(self.seconds.values()):.0f} s "
            f"({', '.join(f'{name} {took:.1f}' for name, took in self.seconds.items())})"
        )
        for title, parts in (("Steps", self.steps), ("Claims", self.claims)):
            if parts:
                table = Table(title=title, title_justify="left")
                for column in ("", "what", "label", "seconds"):
                    table.add_column(column)
                for part in parts:
                    told = part.problem or part.title
                    table.add_row("failed" if part.problem else "ok", escape(told), part.label, f"{part.seconds:.1f}")
                console.print(table)
        table = Table(title="Resources", title_justify="left")
        for column in ("type", "label", "how many", "notes"):
            table.add_column(column)
        for (kind, label), group in self._by_type().items():
            notes = sorted({note for one in group for note in one["notes"]})
            table.add_row(kind, label, str(len(group)), escape("; ".join(notes)))
        console.print(table)
        for part in self.steps:
            for why in part.because:
                say(f"not rehearsed in {part.name}: {why}")
        for one in self.kept:
            say(f"kept by AWS: {one['kind']} {one['identifier']}: {one['kept']}")
        for note in self.notes:
            say(f"note: {note['text']}" + (f" ({note['about']})" if note["about"] else ""))
        say("Never rehearsed: " + "; ".join(self.never))
        for fault in self.faults():
            say(f"FAILED {fault}")

    def _by_type(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for one in sorted(self.resources, key=lambda one: str(one["type"])):
            groups.setdefault((one["type"], one["label"]), []).append(one)
        return groups
