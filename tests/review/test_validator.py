"""What CDK's own validator says becomes evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.assembly import Assembly
from labkit.catalogue import pick
from labkit.review import review


def reviewed(synthesize: Callable[..., Assembly], today: Any, **record: Any) -> list[tuple[str, str, str]]:
    made = synthesize(pick(["d1_data_lake"])[0])
    assembly = Assembly(made.folder, {**made.record, **record})
    rows = review([assembly], today=today, out=None, second_opinion=False).rows
    return [(row.rule, row.logical_id, row.status) for row in rows if row.engine == "CloudFormation Validate"]


def test_a_problem_is_an_open_finding(synthesize: Callable[..., Assembly], today: Any) -> None:
    problem = {
        "engine": "CloudFormation Validate", "rule": "F3002", "finding": "F3002", "level": "warning",
        "logical_id": "Raw", "path": "Lab-d1-data-lake/Raw", "description": "unknown property",
    }  # fmt: skip
    assert reviewed(synthesize, today, validated=True, validator=[problem]) == [("F3002", "Raw", "open")]


def test_a_clean_template_passes_once(synthesize: Callable[..., Assembly], today: Any) -> None:
    assert reviewed(synthesize, today, validated=True, validator=[]) == [("all", "", "pass")]


def test_a_validator_that_was_not_asked_gives_no_pass(synthesize: Callable[..., Assembly], today: Any) -> None:
    assert reviewed(synthesize, today, validated=False, validator=[]) == []
