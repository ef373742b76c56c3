"""A mutant is named by a row that the original does not have; what is left over survives or is equivalent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.assembly import Assembly
from labkit.review.errors import EngineFailed
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab
from labkit.review.mutation import asking, every_operator
from labkit.review.mutation.__main__ import main
from labkit.review.mutation.asking import Judge
from labkit.review.mutation.equivalents import Equivalent, every_equivalent, why_equivalent
from labkit.review.mutation.mutants import Mutant, mutants, sampled
from labkit.review.mutation.running import Result, judged, run
from labkit.review.mutation.score import scores
from tests.review.conftest import acceptance

BUCKET = {
    "Type": "AWS::S3::Bucket",
    "Properties": {
        "VersioningConfiguration": {"Status": "Enabled"},
        "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": 1}]},
    },
}
BARE = {"Type": "AWS::S3::Bucket", "Properties": {}}


def of(assembly: Assembly, operator: str) -> Mutant:
    """The mutant of an operator that fits once."""
    (found,) = mutants(assembly, [one for one in every_operator() if one.id == operator])
    return found


def test_a_mutant_is_named_by_the_rule_that_now_has_a_finding(make: Any) -> None:
    assembly = make({"Raw": BUCKET})
    row = Judge(assembly).named_by(of(assembly, "drop-versioning"))
    assert row is not None
    assert (row.engine, row.rule, row.logical_id) == ("own", "bucket-versioned", "Raw")


def test_what_the_original_has_already_names_nothing(make: Any) -> None:
    # GIVEN a bucket that breaks the rule already
    suspended = {"VersioningConfiguration": {"Status": "Suspended"}}
    assembly = make({"Raw": {"Type": "AWS::S3::Bucket", "Properties": suspended}})
    # WHEN the property goes altogether, THEN the same row on the same resource says nothing new
    assert Judge(assembly).named_by(of(assembly, "drop-versioning")) is None


def test_what_an_acceptance_would_swallow_names_nothing(make: Any) -> None:
    accepted = [acceptance("bucket-versioned", "Raw", engine="own")]
    suspended = {"VersioningConfiguration": {"Status": "Suspended"}}
    assembly = make({"Raw": {"Type": "AWS::S3::Bucket", "Properties": suspended}}, accepted=accepted)
    assert Judge(assembly).named_by(of(assembly, "drop-versioning")) is None


def test_an_engine_that_tells_that_it_broke_off_names_nothing(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(lab: Lab) -> list[Evidence]:
        if lab.template.resources["Raw"].properties.get("VersioningConfiguration"):
            return []
        said = "the prover could not look any further: KeyError: 1"
        common = {"engine": "weak", "engine_version": "1", "rule": "r", "title": "t", "status": "unknown"}
        return [Evidence(**lab.about(""), **common, finding="", evidence=said)]

    monkeypatch.setattr(asking, "engines", lambda: {"weak": ended})
    assembly = make({"Raw": BUCKET})
    with pytest.raises(EngineFailed, match="weak broke off: the prover could not look any further"):
        Judge(assembly).named_by(of(assembly, "drop-versioning"))


def test_an_engine_that_breaks_off_names_nothing_and_is_told(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an engine that reads the original and breaks off at a mutant
    def fragile(lab: Lab) -> list[Evidence]:
        return [] if lab.template.resources["Raw"].properties.get("VersioningConfiguration") else [][1]

    monkeypatch.setattr(asking, "engines", lambda: {"fragile": fragile})
    assembly = make({"Raw": BUCKET}, lab="d9_fragile")
    # WHEN the mutant is judged
    (result,) = judged(assembly.folder, [of(assembly, "drop-versioning")])
    # THEN it survived, with the reason
    assert result.fate == "survived"
    assert "the fragile broke off with IndexError" in result.told


def test_processes_come_to_the_same_results_as_one(make: Any) -> None:
    assembly = make({"Raw": BUCKET})
    chosen, folders = list(mutants(assembly)), {assembly.lab: assembly.folder}
    alone = list(run(chosen, folders, processes=1))
    assert [one.mutant for one in alone] == chosen
    assert list(run(chosen, folders, processes=2)) == alone


def test_a_sample_has_every_operator_and_is_the_same_each_time(make: Any) -> None:
    all_ = list(mutants(make({f"Raw{number}": BUCKET for number in range(5)})))
    some = sampled(all_, 2)
    assert {one.operator for one in some} == {one.operator for one in all_}
    assert max([one.operator for one in some].count(name) for name in {one.operator for one in some}) == 2
    assert {str(one) for one in sampled(reversed(all_), 2)} == {str(one) for one in some}


def test_a_place_names_what_a_resource_waits_for_and_no_number(make: Any) -> None:
    waiting = BUCKET | {"DependsOn": ["Other"]}
    assert (
        of(make({"Raw": waiting, "Other": {"Type": "Custom::Nothing"}}), "drop-dependency").place
        == "Raw.DependsOn.Other"
    )


def mutant(**more: Any) -> Mutant:
    given: dict[str, Any] = {"lab": "d9", "operator": "drop-key", "site": ("Resources", "Raw", "Properties", "Kms")}
    return Mutant(**given | {"logical_id": "Raw", "type": "AWS::S3::Bucket", "place": "Raw.Properties.Kms"} | more)


@pytest.mark.parametrize(
    ("field", "value"),
    [("operators", "stop-*"), ("labs", "d1_*"), ("types", "AWS::KMS::*"), ("places", "*.Tags")],
)
def test_an_equivalent_covers_what_fits_in_all_it_says(field: str, value: str) -> None:
    fitting = Equivalent(
        operators=("drop-*",), labs=("d9",), types=("AWS::S3::*",), places=("Raw.*",), because="it is so"
    )
    assert why_equivalent(mutant(), [fitting]) == "it is so"
    other = Equivalent(**fitting.__dict__ | {field: (value,)})
    assert why_equivalent(mutant(), [other]) == ""


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('operators = ["drop-key"]', "needs operators and because"),
        ('operators = ["drop-nothing"]\nbecause = "x"', "no operator is called 'drop-nothing'"),
        ('operators = ["drop-key"]\nbecause = "x"\nlab = "d1"', "lab unknown"),
    ],
)
def test_an_equivalent_without_a_reason_or_with_a_mistake_is_refused(entry: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "equivalent.toml").write_text(f"[[equivalent]]\n{entry}\n")
    with pytest.raises(ValueError, match=says):
        every_equivalent(tmp_path / "equivalent.toml")


def test_every_reason_is_a_sentence_and_stands_once() -> None:
    reasons = [one.because for one in every_equivalent()]
    assert len(set(reasons)) == len(reasons)
    assert all(len(reason.split()) >= 5 for reason in reasons)


def test_equivalent_mutants_do_not_count_and_survivors_do() -> None:
    results = [Result(mutant(), "named")] * 49 + [Result(mutant(), "survived"), Result(mutant(), "equivalent")]
    (lab, total) = scores(results)
    assert (lab.lab, lab.mutants, lab.named, lab.survived, lab.equivalent) == ("d9", 51, 49, 1, 1)
    assert (total.share, total.enough) == (0.98, True)
    assert not scores([*results, Result(mutant(), "survived")])[-1].enough


def test_the_command_tells_scores_and_survivors_and_fails_below_the_line(
    make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a lab whose bucket breaks a rule already, so that its mutant is not named
    suspended = {"VersioningConfiguration": {"Status": "Suspended"}}
    assembly = make({"Raw": {"Type": "AWS::S3::Bucket", "Properties": suspended}})
    arguments = ["--out", str(assembly.folder.parent), "--processes", "1", "--without-guard"]

    # WHEN the command runs in a pipe
    code = main(arguments)

    # THEN it tells the survivor, without colour, and fails
    told = capsys.readouterr().out
    assert code == 1
    assert "drop-versioning: 1 survived. A bucket without versions (security)" in told
    assert "d9_tiny  AWS::S3::Bucket  Raw.Properties.VersioningConfiguration" in told
    assert "\x1b" not in told

    # AND other programs get the same
    assert main([*arguments, "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert {"lab": "d9_tiny", "operator": "drop-versioning"}.items() <= data["survivors"][0].items()
    assert data["scores"][-1]["lab"] == "all labs"


def test_a_lab_that_is_not_there_is_a_message(make: Any, capsys: pytest.CaptureFixture[str]) -> None:
    out = make({"Raw": BARE}).folder.parent
    assert main(["d0_gone", "--out", str(out)]) == 2
    assert "no synthesized lab d0_gone; there are d9_tiny. Run: labs synth" in capsys.readouterr().err
