"""One static page for people: summary, findings, acceptances, passes, and what was not evaluated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from labkit.review.evidence import STATUSES, Counts, Evidence
from labkit.review.result import Review


@dataclass
class _Group:
    """Rows that differ in their resource only."""

    first: Evidence
    rows: list[Evidence] = field(default_factory=list)


def page(review: Review) -> str:
    """Return the page. It needs no network and no other file."""
    # Only the full review renders; counting findings must not pay for jinja2.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # What needs attention comes first, whichever lab it is in.
    shown = sorted(
        (row for row in review.rows if row.status != "not applicable"),
        key=lambda row: (STATUSES.index(row.status), row.order()),
    )
    return environment.get_template("page.html.jinja").render(
        review=review,
        statuses=STATUSES,
        total=Counts.of(review.rows),
        groups=_grouped(shown),
        engines=sorted({row.engine for row in shown}),
        idle={lab.lab: _idle(row for row in review.rows if row.lab == lab.lab) for lab in review.labs},
    )


def _grouped(rows: Iterable[Evidence]) -> list[_Group]:
    groups: dict[tuple[str, ...], _Group] = {}
    for row in rows:
        same = (row.lab, row.status, row.engine, row.rule, row.level, row.reason, row.owner, row.review_by)
        groups.setdefault(same, _Group(row)).rows.append(row)
    return list(groups.values())


def _idle(rows: Iterable[Evidence]) -> dict[str, list[str]]:
    """Rules that had nothing to look at, by engine."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.status == "not applicable":
            found.setdefault(row.engine, []).append(row.rule)
    return dict(sorted(found.items()))
