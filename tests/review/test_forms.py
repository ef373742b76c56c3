"""What reviewers' tools read is valid by independent models of the standards, and points at lines of the sources."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sarif_pydantic import Sarif
from trestle.oscal.assessment_results import AssessmentResults

from labkit.review import Review, lint, review
from labkit.review.evidence import Evidence
from labkit.review.oscal import as_oscal, controls
from labkit.review.places import declared_at, line_of
from labkit.review.sarif import as_sarif
from tests.review.conftest import Make, acceptance, finding

TODAY = date(2026, 11, 22)
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {}}


@pytest.fixture
def found(make: Make, monkeypatch: pytest.MonkeyPatch) -> Review:
    """A lab with an accepted finding of cdk-nag and open ones of the own rules."""
    monkeypatch.setattr(lint, "rows", lambda lab: [])
    rule = "NIST.800.53.R5-S3BucketReplicationEnabled"
    lab = make(
        {"Data": BUCKET},
        findings=[finding(rule, "Data", engine="NIST.800.53.R5", controls=["CP-9(2)"])],
        accepted=[acceptance(rule, "Data", engine="NIST.800.53.R5")],
    )
    return review([lab], today=TODAY)


def sarif(review: Review) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(as_sarif(review))
    Sarif.model_validate(document)
    return document


def results(document: dict[str, Any], engine: str) -> list[dict[str, Any]]:
    (run,) = [run for run in document["runs"] if run["tool"]["driver"]["name"] == engine]
    found: list[dict[str, Any]] = run["results"]
    return found


def test_sarif_has_a_run_for_every_engine(found: Review) -> None:
    names = {run["tool"]["driver"]["name"] for run in sarif(found)["runs"]}
    assert {"own", "NIST.800.53.R5", "AwsSolutions"} <= names


def test_sarif_suppresses_what_was_accepted_and_says_why(found: Review) -> None:
    (result,) = results(sarif(found), "NIST.800.53.R5")
    (suppression,) = result["suppressions"]
    assert "can be made again" in suppression["justification"]
    assert "2027-05-31" in suppression["justification"]


def test_sarif_leaves_open_findings_unsuppressed(found: Review) -> None:
    tls = [result for result in results(sarif(found), "own") if result["ruleId"] == "bucket-tls-only"]
    assert tls
    assert all("suppressions" not in result and result["level"] == "error" for result in tls)


def test_sarif_results_point_at_their_rule(found: Review) -> None:
    for run in sarif(found)["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


def test_a_fingerprint_outlives_a_moved_line(found: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    def prints(document: dict[str, Any]) -> list[str]:
        return [one["partialFingerprints"]["finding/v1"] for run in document["runs"] for one in run["results"]]

    before = prints(sarif(found))
    for row in found.rows:
        object.__setattr__(row, "line", row.line + 7)
    assert prints(sarif(found)) == before
    assert len(set(before)) == len(before)


def test_oscal_is_valid_by_an_independent_model(found: Review) -> None:
    content = AssessmentResults.model_validate(json.loads(as_oscal(found))["assessment-results"])
    assert json.loads(content.metadata.model_dump_json(by_alias=True))["oscal-version"] == "1.2.1"
    assert [result.title for result in content.results] == ["d9_tiny"]


def test_oscal_says_which_control_is_not_satisfied(found: Review) -> None:
    (result,) = json.loads(as_oscal(found))["assessment-results"]["results"]
    states = {one["target"]["target-id"]: one["target"]["status"]["state"] for one in result["findings"]}
    assert states["sc-8_obj"] == "not-satisfied"  # a bucket that takes requests without TLS
    assert states["cp-6.1_obj"] == "satisfied"  # only the accepted finding stands there


def test_oscal_keeps_acceptances_as_approved_risks(found: Review) -> None:
    (result,) = json.loads(as_oscal(found))["assessment-results"]["results"]
    assert [(risk["status"], risk["deadline"]) for risk in result["risks"]] == [
        ("deviation-approved", "2027-05-31T00:00:00Z")
    ]


def test_the_same_review_gives_the_same_bytes(found: Review) -> None:
    assert as_oscal(found) == as_oscal(found)
    assert as_sarif(found) == as_sarif(found)
    assert "2026-11-22T00:00:00Z" in as_oscal(found)


@pytest.mark.parametrize(
    ("engine", "named", "spelled"),
    [
        ("NIST.800.53.R5", ("AC-2(6)", "SC-7a"), ["ac-2.6", "sc-7"]),
        ("own", ("NIST CM-8", "FSBP S3.5"), ["cm-8"]),
        ("HIPAA.Security", ("164.312(b)",), []),
    ],
)
def test_controls_are_spelled_as_the_catalogue_does(engine: str, named: tuple[str, ...], spelled: list[str]) -> None:
    row = Evidence(
        lab="a", stack="a", engine=engine, engine_version="1", rule="r", title="t", status="open", controls=named
    )
    assert controls(row) == spelled


def test_the_line_is_the_one_that_makes_the_construct(tmp_path: Path) -> None:
    stack = tmp_path / "stack.py"
    stack.write_text(
        'class Lab(LabStack):\n    def build(self):\n        key = Key(self, "Key")\n        m = Model(self, "Model")\n'
        '        [Part(self, f"Part{n}") for n in (1, 2)]\n'
    )
    paths = ("Key", "Model", "ModelRole/Policy", "Part2/File", "Expiry/Role")
    assert [line_of(stack, path) for path in paths] == [3, 4, 4, 5, 1]


@pytest.mark.parametrize(
    "text",
    [
        '{\n "Resources": {\n  "Data": {\n   "Type": "AWS::S3::Bucket"\n  },\n  "More": {"Type": "AWS::S3::Bucket"}\n }\n}\n',
        "Parameters:\n  X: {Type: String}\nResources:\n  # one\n  Data:\n    Type: AWS::S3::Bucket\n  More:\n    Type: AWS::S3::Bucket\n",
    ],
)
def test_the_line_of_a_foreign_template_is_where_the_resource_stands(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.template"
    file.write_text(text)
    lines = text.splitlines()
    assert {
        name: lines[line - 1].strip(' "').split('"')[0].rstrip(":") for name, line in declared_at(file).items()
    } == {
        "Data": "Data",
        "More": "More",
    }
