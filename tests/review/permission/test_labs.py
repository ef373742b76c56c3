"""The prover on the labs: tables hold with every choice of the user, widening is noticed, acceptances count."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from labkit.assembly import Assembly
from labkit.catalogue import ROOT, Lab, find
from labkit.review import engines, review
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab as Reviewed
from labkit.review.provers import every_prover, permission
from labkit.review.provers.permission.table import FILE, rows_of
from tests.review.conftest import acceptance
from tests.review.permission.build import BUCKET, allow, role
from tests.review.permission.mutants import Mutant, mutants

TABLED = [lab for lab in find() if (lab.folder / FILE).is_file()]
PLACES: dict[str, dict[str, Any]] = {
    "aws-cn": {"region": "cn-north-1"},
    "own-key": {"key_arn": "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"},
    "own-vpc": {
        "own_vpc": {
            "vpc_id": "vpc-0123456789abcdef0",
            "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
            "endpoint_security_group_id": "sg-0123456789abcdef0",
        }
    },
    "local-storage": {"endpoint_instance_type": "ml.g5.xlarge"},
}


def wrong(rows: list[Evidence]) -> list[tuple[str, str, str]]:
    return [(row.rule, row.logical_id, row.evidence) for row in rows if row.status in ("open", "unknown")]


@pytest.fixture(params=TABLED, ids=lambda lab: lab.name)
def tabled(request: pytest.FixtureRequest) -> Lab:
    found: Lab = request.param
    return found


def test_both_finished_labs_have_a_table() -> None:
    assert {"d1_data_lake", "d3_realtime_endpoint"} <= {lab.name for lab in TABLED}


def test_every_rule_looked_at_something_and_found_nothing(tabled: Lab, synthesize: Callable[..., Assembly]) -> None:
    rows = list(permission.rows(Reviewed(synthesize(tabled))))
    assert wrong(rows) == []
    assert {row.rule for row in rows if row.status == "pass"} == {rule.id for rule in permission.RULES}


@pytest.mark.parametrize("place", PLACES)
def test_tables_hold_with_the_users_choices(tabled: Lab, place: str, synthesize: Callable[..., Assembly]) -> None:
    assembly = synthesize(tabled, place=place, **PLACES[place])
    # What the user gave has ids that no row can name: such a row is not decided.
    given = {"unknown"} if place in ("own-key", "own-vpc") else set()
    assert wrong([row for row in permission.rows(Reviewed(assembly)) if row.status not in given]) == []


def is_equivalent(mutant: Mutant) -> str:
    """Why a mutant allows nothing more than the original; empty if it does."""
    if mutant.effect == "Deny" and mutant.operator in ("every-action", "widen-action", "every-resource"):
        return "the policy of a bucket or topic speaks of that alone, and denies more than before"
    if mutant.operator == "every-resource" and mutant.place.startswith("Alerts"):
        return "the policy of a topic speaks of that topic alone, whatever it names"
    return ""


def test_every_statement_that_is_widened_changes_the_answer(tabled: Lab, synthesize: Callable[..., Assembly]) -> None:
    assembly, table = synthesize(tabled), rows_of(tabled.folder)
    survivors, killed = [], 0
    for mutant in _sampled(mutants(assembly.template)):
        changed = Assembly(assembly.folder, assembly.record)
        changed.__dict__["template"] = mutant.template
        if any(row.status in ("open", "unknown") for row in permission.proved(Reviewed(changed), table)):
            killed += 1
        else:
            survivors.append(str(mutant))
    assert survivors == []
    assert killed >= 15


def _sampled(found: Iterable[Mutant]) -> list[Mutant]:
    """The same few in every run, of every operator; all of them take minutes a lab, see `make mutate`."""
    by_operator: dict[str, list[Mutant]] = {}
    for mutant in found:
        if not is_equivalent(mutant):
            by_operator.setdefault(mutant.operator, []).append(mutant)
    return [
        mutant
        for group in by_operator.values()
        for mutant in sorted(group, key=lambda mutant: zlib.crc32(str(mutant).encode()))[:5]
    ]


def test_a_finding_is_accepted_by_its_rule(make: Any, today: Any) -> None:
    resources = {"A": role(allow("s3:PutObject", "arn:aws:s3:::elsewhere/*"))}
    (before,) = [row for row in engines.quick(Reviewed(make(resources)), today=today) if row.rule == "no-exfiltration"]
    assert (before.status, before.engine) == ("open", "permission prover")
    accepted = [
        acceptance("no-exfiltration", "A", engine="own", because="the results are published on purpose, by agreement")
    ]
    rows = engines.quick(Reviewed(make(resources, accepted=accepted, lab="d9_other")), today=today)
    (after,) = [row for row in rows if row.rule == "no-exfiltration"]
    assert (after.status, after.reason) == ("accepted", "the results are published on purpose, by agreement")
    assert [row for row in rows if row.rule == "acceptance-stale"] == []


def test_the_review_names_the_prover_and_its_version(make: Any, today: Any) -> None:
    result = review([make({"Raw": BUCKET})], today=today, second_opinion=False)
    assert result.engines["permission prover"] == permission.version()
    assert permission in every_prover()


def test_rules_are_whole_and_named_like_the_rules_of_the_house() -> None:
    for rule in permission.RULES:
        assert all((rule.title, rule.why, rule.fix, rule.controls)), rule.id
        assert rule.source.startswith("https://docs.aws.amazon.com/")
    own = {file.stem.replace("_", "-") for file in (Path(ROOT) / "stacks" / "rules").glob("*.py")}
    assert own.isdisjoint(rule.id for rule in permission.RULES)
