"""Joins findings with what was accepted beside their cause, and finds acceptances that no longer hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from labkit.review import guard, nag, own
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab

ENGINE = "review"
STALE = "acceptance-stale"
_VERSION = "1"


@dataclass
class _Acceptance:
    engine: str
    rule: str
    logical_ids: tuple[str, ...]
    path: str
    because: str
    kind: str
    owner: str
    review_by: date
    fired: bool = False

    def until(self) -> str:
        return self.review_by.isoformat()


def joined(lab: Lab, rows: Iterable[Evidence], *, today: date, proved: bool = True) -> Iterator[Evidence]:
    """Yield the rows, with accepted findings marked so, and one open row for each acceptance without a finding.

    An acceptance whose review date has passed accepts nothing. A rule of cdk-nag that threw is never accepted: nobody
    knows what it would have found. What an own rule leaves open because the template alone cannot tell may be.
    Where the provers were not asked (``proved``), what was accepted of theirs is left aside.
    """
    acceptances = [_read(lab, entry) for entry in lab.assembly.accepted]
    by_place: dict[tuple[str, str, str], list[_Acceptance]] = {}
    for one in acceptances:
        for logical_id in one.logical_ids:
            by_place.setdefault((one.engine, one.rule, logical_id), []).append(one)
    for row in rows:
        found = by_place.get((_door(row), row.finding, row.logical_id), ())
        if not found or row.status not in ("open", "unknown"):
            yield row
            continue
        for one in found:
            one.fired = True
        yield _marked(row, max(found, key=lambda one: one.review_by), today)
    for one in acceptances:
        if not one.fired and _asked(lab, one, proved):
            yield _stale(lab, one)


def _asked(lab: Lab, one: _Acceptance, proved: bool) -> bool:
    """Whether the engine that an acceptance is about looked at the lab."""
    if one.engine != own.ENGINE or one.rule in own.ids():
        return True
    return guard.ran(lab) if one.rule in guard.ids() else proved


def _door(row: Evidence) -> str:
    """The engine that acceptances of a row name: rules of Guard and of the provers are accepted like the own ones."""
    return row.engine if row.engine in nag.table()["packs"] else own.ENGINE


def _marked(row: Evidence, one: _Acceptance, today: date) -> Evidence:
    if row.status == "unknown" and _door(row) != own.ENGINE:
        return replace(row, reason="a rule that threw cannot be accepted: what it would have found is not known")
    told: dict[str, Any] = {"kind": one.kind, "owner": one.owner, "review_by": one.until()}
    if one.review_by < today:
        return replace(row, reason=f"the review of its acceptance is due ({one.because})", **told)
    return replace(row, status="accepted", reason=one.because, **told)


def _stale(lab: Lab, one: _Acceptance) -> Evidence:
    place = one.logical_ids[0] if len(one.logical_ids) == 1 else ""
    return Evidence(
        **(lab.about(place) | {"path": one.path}),
        engine=ENGINE,
        engine_version=_VERSION,
        rule=STALE,
        title="What is accepted is still found",
        status="open",
        finding=STALE,
        evidence=f"{one.engine} reports no {one.rule} there; take the acceptance out ({one.because})",
        kind=one.kind,
        owner=one.owner,
        review_by=one.until(),
    )


def _read(lab: Lab, entry: Any) -> _Acceptance:
    try:
        return _Acceptance(
            engine=entry["engine"],
            rule=entry["rule"],
            logical_ids=tuple(entry["logical_ids"]),
            path=entry["path"],
            because=entry["because"],
            kind=entry["kind"],
            owner=entry["owner"],
            review_by=date.fromisoformat(entry["review_by"]),
        )
    except (KeyError, TypeError, ValueError):
        raise lab.damaged("accepted", entry) from None
