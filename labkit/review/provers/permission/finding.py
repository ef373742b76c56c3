"""What the prover says of one place, before it becomes a row of evidence."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.review.evidence import Status


@dataclass(frozen=True)
class Finding:
    """One answer of one rule.

    Args:
        rule: id of the rule.
        logical_id: the resource it is about.
        status: as in the evidence.
        evidence: what was found, and what to change.
        reason: why it is meant to be so, from the lab's table.
        level: ``error`` or ``warning``.
    """

    rule: str
    logical_id: str
    status: Status
    evidence: str
    reason: str = ""
    level: str = "error"
