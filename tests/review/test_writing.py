"""The evidence says the same in every form, every time, and is whole or not there."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import UserError
from labkit.review import Review, engines, lint, provers, review, rules_page, writing
from labkit.review.evidence import COLUMNS
from labkit.review.page import page
from labkit.review.writing import as_csv, as_json, write
from stacks.rules import every_rule
from stacks.rules.kit.guard import guard_rules
from tests.review.conftest import Make, acceptance, finding

TODAY = date(2026, 11, 22)
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {}}
HOSTILE = "=cmd()<script>alert(1)</script> & 'quoted' so long that it passes"


@pytest.fixture
def found(make: Make, monkeypatch: pytest.MonkeyPatch) -> Review:
    """A review of two labs, one with a hostile reason. cfn-lint has tests of its own."""
    monkeypatch.setattr(lint, "rows", lambda lab: [])
    first = make(
        {"A": BUCKET, "Schedule": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {}}},
        findings=[finding("AwsSolutions-S1", "A")],
        accepted=[acceptance("AwsSolutions-S1", "A", because=HOSTILE)],
    )
    return review([make({"B": BUCKET}, lab="d8_other"), first], today=TODAY)


class Page(HTMLParser):
    """Collects what a page shows and loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)


def test_json_holds_every_row_sorted_and_no_time(found: Review) -> None:
    content = json.loads(as_json(found))
    assert len(content["evidence"]) == len(found.rows)
    assert [lab["lab"] for lab in content["labs"]] == ["d8_other", "d9_tiny"]
    assert content["labs"][1]["counts"]["accepted"] == 1
    assert content["labs"][1]["unseen_types"] == ["AWS::Scheduler::ScheduleGroup"]
    assert as_json(found) == json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert content["engines"].keys() == {"cdk-nag", "cfn-lint", "own rules", *provers.versions()}
    assert str(TODAY.year) not in as_json(found).replace("2027-05-31", "")


def test_each_rule_tells_how_many_resources_it_looked_at(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint, "rows", lambda lab: [])
    assembly = make({"A": BUCKET, "B": BUCKET}, findings=[finding("AwsSolutions-S1", "A")])
    looked_at = json.loads(as_json(review([assembly], today=TODAY)))["labs"][0]["looked_at"]
    assert (looked_at["bucket-versioned"], looked_at["AwsSolutions-S1"]) == (2, 2)
    assert "model-in-vpc" not in looked_at


def test_the_same_labs_give_the_same_bytes_in_any_order(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint, "rows", lambda lab: [])
    labs = [make({"B": BUCKET, "A": BUCKET}, lab=name) for name in ("d7_x", "d6_x")]
    forward, backward = review(labs, today=TODAY), review(labs[::-1], today=TODAY)
    assert [render(forward) for render in (as_json, as_csv, page)] == [
        render(backward) for render in (as_json, as_csv, page)
    ]


def test_csv_has_a_column_for_each_field_and_no_cell_that_is_a_formula(found: Review) -> None:
    header, *lines = csv.reader(io.StringIO(as_csv(found)))
    assert tuple(header) == COLUMNS
    assert len(lines) == len(found.rows)
    assert f"'{HOSTILE}" in {line[COLUMNS.index("reason")] for line in lines}
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)


def test_the_page_is_well_formed_and_loads_nothing(found: Review) -> None:
    parsed = Page(page(found))
    assert parsed.open == []
    assert parsed.unbalanced == []
    assert parsed.loads == []
    assert parsed.tags.count("script") == 1


def test_the_page_shows_labs_findings_reasons_and_limits_and_escapes_them(found: Review) -> None:
    text = page(found)
    for shown in ("d8_other", "d9_tiny", "AwsSolutions-S1", "bucket-versioned", "review by 2027-05-31"):
        assert shown in text
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "AWS Config, GuardDuty, Security Hub and Macie are on" in text
    assert "AI Security Best Practices" not in text
    assert "AWS::Scheduler::ScheduleGroup" in text


def test_the_page_puts_what_is_open_before_what_is_accepted_whatever_the_lab(found: Review) -> None:
    text = page(found)
    assert text.rindex('data-status="open"') < text.index('data-status="accepted"') < text.index('data-status="pass"')


def test_all_forms_are_written_and_written_again_in_place(found: Review, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "review"
    first = {path.name: path.read_bytes() for path in write(found, folder)}
    assert first.keys() == {"evidence.json", "evidence.csv", "review.html", "review.sarif", "oscal.json"}
    assert {path.name: path.read_bytes() for path in write(found, folder)} == first
    assert {path.name for path in folder.iterdir()} == first.keys()


def test_a_write_that_fails_leaves_what_was_there(
    found: Review, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN written evidence
    write(found, tmp_path / "review")
    before = (tmp_path / "review" / "evidence.json").read_bytes()

    # WHEN the disk is full at the next write
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "replace", full)
    with pytest.raises(UserError, match="No space left on device"):
        write(found, tmp_path / "review")
    # THEN the old files stand and no part of a new one does
    assert (tmp_path / "review" / "evidence.json").read_bytes() == before
    assert len(list((tmp_path / "review").iterdir())) == 5


def test_a_folder_that_cannot_be_made_is_a_user_error(found: Review, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write(found, tmp_path / "file" / "review")


def test_the_summary_has_a_row_per_lab(found: Review) -> None:
    rows = {str(row["lab"]): row for row in found.summary()}
    assert rows.keys() == {"d8_other", "d9_tiny"}
    assert rows["d9_tiny"]["accepted"] == 1


def test_without_the_second_opinion_the_evidence_does_not_claim_it(make: Make) -> None:
    result = review([make({"A": BUCKET})], today=TODAY, second_opinion=False)
    assert "cfn-lint" not in result.engines
    assert "cfn-lint" not in {row.engine for row in result.rows}


def test_open_and_unknown_rows_fail_the_gate(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint, "rows", lambda lab: [])
    handle = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle", "Properties": {}}}
    clean = review([make(handle)], today=TODAY)
    assert (clean.exit_code, clean.open) == (0, [])
    threw = finding("AwsSolutions-S1", "A", description="Rule threw an error during validation.")
    accepted = [
        acceptance(row.rule, "A", engine="own")
        for row in engines.quick(engines.Lab(make({"A": BUCKET}, lab="d5_x")), today=TODAY)
        if row.status == "open"
    ]
    unknown = review([make({"A": BUCKET}, lab="d4_x", findings=[threw], accepted=accepted)], today=TODAY)
    assert [row.status for row in unknown.open] == ["unknown"]
    assert unknown.exit_code == 1


def test_the_rules_page_describes_every_rule() -> None:
    text = rules_page.render()
    for rule in (*every_rule(), *guard_rules()):
        assert f"## {rule.id}\n\n{rule.title}." in text
        assert rule.source in text


def test_counting_findings_loads_no_heavy_module() -> None:
    code = "import sys, labkit.review; print([m for m in ('aws_cdk','jinja2','cfnlint','boto3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
