"""One row of evidence: what one rule says of one resource of one lab, and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

Status = Literal["open", "unknown", "accepted", "pass", "not applicable"]
# In the order of what a reviewer wants to see first.
STATUSES: tuple[Status, ...] = ("open", "unknown", "accepted", "pass", "not applicable")
_LONGEST_VALUE = 160


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one rule says of one resource.

    Args:
        lab: folder name.
        stack: stack name.
        engine: cdk-nag pack, ``own``, ``CloudFormation Validate``, ``cfn-lint`` or ``review``.
        engine_version: what ran.
        rule: id within the engine.
        title: the rule in a sentence. Own rules state the passing case; those of cdk-nag tell the fault they look for.
        logical_id: of the resource; empty when the row is about the whole template.
        type: its CloudFormation type.
        path: its construct path.
        file: where it is declared: the lab's stack, or the template where that is all there is.
        line: the line in that file, from 1.
        status: ``unknown`` when the rule could not tell; it counts like ``open``.
        level: ``error`` or ``warning``.
        finding: the exact id by which it can be accepted; for most rules the rule's own.
        evidence: property and value, or the engine's words.
        reason: why it is accepted, or why an acceptance does not hold.
        kind: ``risk-accepted``, ``false-positive`` or ``compensated``.
        owner: who answers for the acceptance.
        review_by: until when it holds, as an ISO date.
        controls: ids of the standard that the engine's rule serves.
    """

    lab: str
    stack: str
    engine: str
    engine_version: str
    rule: str
    title: str
    logical_id: str = ""
    type: str = ""
    path: str = ""
    file: str = ""
    line: int = 1
    status: Status
    level: str = "error"
    finding: str = ""
    evidence: str = ""
    reason: str = ""
    kind: str = ""
    owner: str = ""
    review_by: str = ""
    controls: tuple[str, ...] = ()

    def order(self) -> tuple[Any, ...]:
        """The place of the row: by lab, then what needs attention first."""
        return (
            self.lab,
            STATUSES.index(self.status),
            self.engine,
            self.rule,
            self.logical_id,
            self.finding,
            self.evidence,
        )


COLUMNS = tuple(field.name for field in fields(Evidence))


@dataclass(frozen=True)
class Counts:
    """How many rows of each status a lab has."""

    open: int = 0
    unknown: int = 0
    accepted: int = 0
    passed: int = 0
    not_applicable: int = 0

    @classmethod
    def of(cls, rows: Iterable[Evidence]) -> Counts:
        """Count rows."""
        found = Counter(row.status for row in rows)
        return cls(*(found[status] for status in STATUSES))


def shown(value: Any) -> str:
    """A value on one line, cut where it gets long."""
    if value is None:
        return "absent"
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
