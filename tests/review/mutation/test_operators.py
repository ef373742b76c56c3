"""The operators: each fits somewhere, changes one place, and leaves the original as it was."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from labkit.review.mutation import Operator, every_operator
from tests.review.mutation.templates import EVERYTHING

OPERATORS = every_operator()


def test_there_are_at_least_forty_operators_with_titles_of_their_own() -> None:
    assert len(OPERATORS) >= 40
    assert len({one.title for one in OPERATORS}) == len(OPERATORS)
    assert {one.breaks for one in OPERATORS} == {"security", "deployment", "removal"}


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.id)
def test_an_operator_fits_somewhere_and_every_mutant_is_another_template(operator: Operator) -> None:
    # GIVEN a template with a place for every operator
    before = copy.deepcopy(EVERYTHING)
    original = json.dumps(EVERYTHING, sort_keys=True)

    # WHEN it is applied at each of its sites
    mutants = [json.dumps(operator.apply(EVERYTHING, site), sort_keys=True) for site in operator.sites(EVERYTHING)]

    # THEN each mutant differs from the original and from the others, and the original is untouched
    assert mutants
    assert original not in mutants
    assert len(set(mutants)) == len(mutants)
    assert before == EVERYTHING


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.id)
def test_an_operator_fits_nowhere_in_a_template_without_anything_to_break(operator: Operator) -> None:
    empty: dict[str, Any] = {"Resources": {"Handle": {"Type": "Custom::Nothing"}}}
    assert list(operator.sites(empty)) == []


def test_a_copy_shares_what_the_change_does_not_touch() -> None:
    operator = next(one for one in OPERATORS if one.id == "drop-versioning")
    site = next(iter(operator.sites(EVERYTHING)))
    mutant = operator.apply(EVERYTHING, site)
    changed = [name for name, body in mutant["Resources"].items() if body is not EVERYTHING["Resources"][name]]
    assert changed == [site[1]]


def test_an_operator_with_an_id_that_is_no_id_is_refused() -> None:
    with pytest.raises(ValueError, match="lower-case words joined by hyphens"):
        Operator(id="Drop_Key", title="", breaks="security", sites=lambda _: [], apply=lambda template, _: template)
