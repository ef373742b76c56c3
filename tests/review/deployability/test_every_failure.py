"""Every known failure is named in a template that has it, and in no template that is repaired."""

from __future__ import annotations

from collections import Counter

import pytest

from labkit.review.provers.deployability import RULES, evaluate, told
from labkit.review.provers.deployability.kit.view import View
from tests.review.deployability.cases import alone, keys, network, releasing, roles, updates, watching
from tests.review.deployability.parts import Case, Resources

CASES: list[Case] = [*keys.CASES, *roles.CASES, *network.CASES, *alone.CASES, *releasing.CASES, *watching.CASES]
EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))


def found(resources: Resources, check: str) -> list[tuple[str, str, bool]]:
    view = View({"Resources": resources}, assets=frozenset({"there.zip"}))
    outcomes = [one for one in evaluate(view) if one.check.id == check]
    assert [one.error for one in outcomes if one.error] == []
    return [
        (one.resource.logical_id, told(one.check, fault), fault.undecided) for one in outcomes for fault in one.faults
    ]


@EVERY
def test_the_failure_is_named(case: Case) -> None:
    # GIVEN a template that fails
    faults = found(case.broken, case.check)
    # THEN the check says so, in words that a person finds again
    assert faults
    assert case.says in " ".join(text for _, text, _ in faults)
    assert not case.on or case.on in {name for name, _, _ in faults}
    # AND it says whether it is sure
    assert all(undecided for _, _, undecided in faults) == case.unknown


@EVERY
def test_what_is_repaired_passes_with_resources_looked_at(case: Case) -> None:
    # GIVEN the same template, repaired
    repaired = case.repaired
    # THEN the check looks at something, or nothing of its types is left, and finds nothing
    assert found(repaired, case.check) == []


def test_every_entry_of_the_catalogue_is_covered_by_exactly_one_check() -> None:
    # GIVEN 75 entries, numbered in steps of two
    entries = {f"DF-{number:03}" for number in range(1, 150, 2)}
    claimed = Counter(entry for rule in RULES for entry in rule.covers)
    # THEN each belongs to one check
    assert set(claimed) == entries
    assert [entry for entry, count in claimed.items() if count > 1] == []


def test_every_entry_is_tried_with_the_check_that_claims_it() -> None:
    tried = {(case.entry, case.check) for case in CASES if case.entry} | {
        (change.entry, change.check) for change in updates.CASES if change.entry
    }
    assert tried == {(entry, rule.id) for rule in RULES for entry in rule.covers}


def test_every_check_is_tried_with_a_case_that_is_not_in_the_catalogue() -> None:
    tried = {case.check for case in CASES if not case.entry} | {
        change.check for change in updates.CASES if not change.entry
    }
    assert {rule.id for rule in RULES} - tried == set()
