"""What an update of a deployed stack runs into is named before it is tried."""

from __future__ import annotations

import pytest

from labkit.review.provers.deployability import check_update, told
from tests.review.deployability.cases.updates import CASES, Update

EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))


@EVERY
def test_the_refused_update_is_named(case: Update) -> None:
    changes = [one for one in check_update(case.deployed, case.refused) if one.check.id == case.check]
    assert changes
    assert case.says in " ".join(told(one.check, one.fault) for one in changes)


@EVERY
def test_the_update_that_AWS_takes_passes(case: Update) -> None:  # noqa: N802
    assert [one for one in check_update(case.deployed, case.taken) if one.check.id == case.check] == []


@EVERY
def test_a_template_that_does_not_change_runs_into_nothing(case: Update) -> None:
    assert check_update(case.deployed, case.deployed) == []
