"""What Guard and cdk-nag say becomes evidence: of our labs from synthesis, of templates of others from a program."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from labkit.review import EngineFailed, Evidence, engines, guard, nag, outside, read_folder, review_folder
from labkit.review.lab import Lab
from tests.review.conftest import Make, acceptance

TODAY = date(2026, 11, 1)
RULE = "experiment-volume-encrypted"
EXPERIMENT = {"Type": "AWS::SageMaker::InferenceExperiment", "Properties": {}}


def said(logical_id: str, **more: Any) -> dict[str, Any]:
    told = {"rule": RULE, "logical_id": logical_id, "path": "KmsKey", "value": None, "message": "no key"}
    return told | {"undecided": False} | more


def rows(lab: Lab) -> list[Evidence]:
    return [row for row in engines.quick(lab, today=TODAY) if row.rule == RULE]


def statuses(lab: Lab) -> dict[str, str]:
    return {row.logical_id: row.status for row in rows(lab)}


def test_what_guard_reports_is_open_or_unknown_and_what_it_does_not_is_a_pass(make: Make) -> None:
    found = [said("Bad"), said("Given", undecided=True)]
    three = dict.fromkeys(("Bad", "Given", "Good"), EXPERIMENT)
    lab = Lab(make(three, guard=found, guard_rules=guard.version()))
    assert statuses(lab) == {"Bad": "open", "Given": "unknown", "Good": "pass"}
    (bad,) = [row for row in rows(lab) if row.logical_id == "Bad"]
    assert (bad.engine, bad.evidence) == ("Guard", "KmsKey = absent: no key")
    assert "AI-BP SageMaker.23" in bad.controls


def test_a_rule_without_a_resource_is_not_applicable(make: Make) -> None:
    assert statuses(Lab(make(guard=[], guard_rules=guard.version()))) == {"": "not applicable"}


@pytest.mark.parametrize("record", [{}, {"guard": [], "guard_rules": "of yesterday"}])
def test_rules_that_guard_was_not_asked_pass_nothing_and_leave_acceptances_alone(
    make: Make, record: dict[str, Any]
) -> None:
    accepted = [acceptance(RULE, "A", engine="own")]
    lab = Lab(make({"A": EXPERIMENT}, accepted=accepted, **record))
    assert statuses(lab) == {}
    assert guard.ENGINE not in engines.versions(lab)
    assert not [row for row in engines.quick(lab, today=TODAY) if row.rule == "acceptance-stale"]


def test_a_finding_is_accepted_by_the_rules_name_and_an_acceptance_without_finding_is_stale(make: Make) -> None:
    accepted = [acceptance(RULE, "A", engine="own")]
    for lab, found, expected in (("d1_a", [said("A")], "accepted"), ("d1_b", [], "pass")):
        made = Lab(make({"A": EXPERIMENT}, lab=lab, accepted=accepted, guard=found, guard_rules=guard.version()))
        assert statuses(made)["A"] == expected
        stale = [row for row in engines.quick(made, today=TODAY) if row.rule == "acceptance-stale"]
        assert bool(stale) == (not found)


@pytest.mark.parametrize("entry", [{}, said("Gone"), said("A", rule="no-such-rule")])
def test_a_finding_on_nothing_is_a_damaged_record(make: Make, entry: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="an entry of guard is not understood"):
        rows(Lab(make({"A": EXPERIMENT}, guard=[entry], guard_rules=guard.version())))


def test_templates_of_others_are_judged_by_guard_and_by_cdk_nag_where_cdk_can_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN one template that CDK can read, and one that lacks what the type requires
    stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"RetentionPeriodHours": 24}}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {}}
    (tmp_path / "a.json").write_text(json.dumps({"Resources": {"Events": stream, "Data": bucket}}))
    (tmp_path / "b.json").write_text(json.dumps({"Resources": {"Trial": EXPERIMENT}}))
    # WHEN they are judged; cfn-lint is asked elsewhere
    labs = [Lab(one) for one in outside.judged(read_folder(tmp_path))]
    found = [row for lab in labs for row in engines.quick(lab, today=TODAY)]
    # THEN Guard looked at both
    broken = {(row.lab, row.rule) for row in found if row.engine == "Guard" and row.status == "open"}
    assert {("a", "stream-retention-adequate"), ("b", RULE)} <= broken
    # AND cdk-nag at the first; of the second the evidence tells why not
    packs = set(nag.table()["packs"])
    reported = {row.rule for row in found if row.engine in packs and row.lab == "a" and row.status == "open"}
    assert {"AwsSolutions-S1", "HIPAA.Security-S3BucketVersioningEnabled"} <= reported
    assert not [row for row in found if row.engine in packs and row.lab == "b"]
    (told,) = [row for row in found if row.engine == "cdk-nag"]
    assert (told.lab, told.status) == ("b", "not applicable")
    assert "missing required property" in told.evidence
    assert [sorted({"Guard", "cdk-nag"} & set(engines.versions(lab))) for lab in labs] == [
        ["Guard", "cdk-nag"],
        ["Guard"],
    ]


def test_a_program_that_breaks_off_is_an_engine_that_did_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"Resources": {"Trial": EXPERIMENT}}))
    for stdout, code in (("", 1), ("[]\n", 0), ("no json\n", 0)):
        done = subprocess.CompletedProcess([], code, stdout, "Traceback\nOSError: gone\n")
        monkeypatch.setattr(subprocess, "run", lambda *args, _done=done, **more: _done)
        with pytest.raises(EngineFailed, match="OSError: gone"):
            outside.judged(read_folder(tmp_path))


def test_without_the_second_opinion_neither_is_asked_nor_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"Resources": {"Trial": EXPERIMENT}}))
    found = review_folder(tmp_path, second_opinion=False)
    assert not {"Guard", "cdk-nag"} & set(found.engines)
    assert not [row for row in found.rows if row.engine in ("Guard", "cdk-nag")]
