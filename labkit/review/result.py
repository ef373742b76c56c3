"""What a review found, on all labs together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property

from labkit.review import accepting
from labkit.review.evidence import Counts, Evidence
from labkit.review.limits import Limit


@dataclass(frozen=True)
class Reviewed:
    """One lab as it was reviewed.

    Args:
        lab: folder name.
        stack: stack name.
        region: where it would be deployed.
        partition: ``aws``, ``aws-us-gov`` or ``aws-cn``.
        template: SHA-256 of the template file.
        unseen_types: resource types that no rule looks at in particular.
    """

    lab: str
    stack: str
    region: str
    partition: str
    template: str
    unseen_types: tuple[str, ...]


@dataclass(frozen=True)
class Review:
    """Every row of evidence, in order, with what produced it and what it leaves out.

    Args:
        judged_on: the day on which review dates of acceptances were judged.
    """

    judged_on: date
    labs: tuple[Reviewed, ...]
    engines: Mapping[str, str]
    rows: tuple[Evidence, ...]
    limits: tuple[Limit, ...]

    @cached_property
    def counts(self) -> dict[str, Counts]:
        """Rows by status, per lab."""
        return {one.lab: Counts.of(row for row in self.rows if row.lab == one.lab) for one in self.labs}

    def summary(self) -> list[dict[str, str | int]]:
        """One row per lab, for a table on the screen."""
        return [{"lab": lab, **asdict(counts)} for lab, counts in self.counts.items()]

    @cached_property
    def looked_at(self) -> dict[str, dict[str, int]]:
        """Per lab, each rule that had something to look at, and on how many resources."""
        seen: dict[str, dict[str, set[str]]] = {one.lab: {} for one in self.labs}
        for row in self.rows:
            if row.status != "not applicable" and row.engine != accepting.ENGINE:
                seen[row.lab].setdefault(row.rule, set()).add(row.logical_id)
        return {lab: {rule: len(names) for rule, names in rules.items()} for lab, rules in seen.items()}

    @cached_property
    def open(self) -> list[Evidence]:
        """What stands in the gate's way: open findings, and what a rule could not decide."""
        return [row for row in self.rows if row.status in ("open", "unknown")]

    @property
    def exit_code(self) -> int:
        """0 if nothing is open, else 1. An engine that did not run raises instead."""
        return 1 if self.open else 0
