"""Two versions of the evidence are told apart finding by finding, worst first."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.errors import UserError
from labkit.review.since import changes, evidence_at


def row(status: str, **more: Any) -> dict[str, Any]:
    return {
        "lab": "d9_tiny", "stack": "Lab-d9-tiny", "engine": "own", "rule": "bucket-tls-only", "finding": "bucket-tls-only",
        "logical_id": "Data", "status": status, "reason": "", "review_by": "", "evidence": "Policy = absent",
    } | more  # fmt: skip


def told(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    return [(one.before, one.after, one.worse) for one in changes({"evidence": before}, {"evidence": after})]


def test_the_same_evidence_has_no_changes() -> None:
    assert told([row("open"), row("pass", logical_id="B")], [row("open"), row("pass", logical_id="B")]) == []


def test_a_new_open_finding_is_for_the_worse_and_comes_first() -> None:
    before = [row("pass"), row("open", logical_id="Aaa")]
    after = [row("open"), row("pass", logical_id="Aaa")]
    assert told(before, after) == [("pass", "open", True), ("open", "pass", False)]


def test_a_resource_that_came_or_went_is_told() -> None:
    assert told([row("accepted")], []) == [("accepted", "absent", False)]
    assert told([], [row("unknown")]) == [("absent", "unknown", True)]


def test_a_longer_acceptance_is_told_with_both_dates() -> None:
    before = [row("accepted", review_by="2027-05-31", reason="r")]
    (change,) = changes({"evidence": before}, {"evidence": [row("accepted", review_by="2028-05-31", reason="r")]})
    assert change.what == "review_by: 2027-05-31 -> 2028-05-31"
    assert not change.worse


def test_what_had_nothing_to_look_at_is_no_finding() -> None:
    assert told([row("not applicable", logical_id="")], []) == []


@pytest.mark.parametrize("revision", ["no-such-branch", "--help", "HEAD~99999"])
def test_a_version_that_is_not_there_is_answered_by_a_message(revision: str) -> None:
    with pytest.raises(UserError, match="no such commit"):
        evidence_at(revision, ["d1_data_lake"])
