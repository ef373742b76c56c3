"""The generated parts of documents: what they say, and how a stale one is told."""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path

import pytest
import typer

from labkit import docs
from labkit.errors import UserError

LAB_TOML = """
title = "Sample"
teaches = "Where a bucket is"
domain = {domain}
tasks = ["1.1"]
minutes = 20
needs = []
controls = []
availability = "open"
quotas = []
sources = []
"""
LAB_README = "# Sample\n\n<!-- steps -->\nold\n<!-- /steps -->\n\nby hand\n\n<!-- cost -->\n<!-- /cost -->\n{more}"
TOP_README = "# Labs\n\n<!-- labs -->\n<!-- /labs -->\n\nby hand\n"
TEMPLATE = {
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {}},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}},
    }
}


def _lab(root: Path, name: str, *, more: str = "") -> Path:
    folder = root / "labs" / name
    (folder / "steps").mkdir(parents=True)
    (folder / "lab.toml").write_text(LAB_TOML.format(domain=name[1]))
    (folder / "README.md").write_text(LAB_README.format(more=more))
    (folder / "stack.py").write_text("class Sample:\n    def build(self):\n        return self.settings.zones\n")
    (folder / "steps" / "01_look.py").write_text('"""Look at the bucket.\n\nIt is empty.\n\n    labs run\n"""\n')
    (folder / "steps" / "02_fill.py").write_text('"""Fill it."""\nraise RuntimeError("a document never runs a step")\n')
    out = root / "cdk.out" / name
    out.mkdir(parents=True)
    record = {
        "lab": name, "stack": "Lab-sample", "region": "us-east-1", "partition": "aws",
        "findings": [], "accepted": [], "versions": {}, "paths": {},
    }  # fmt: skip
    (out / "lab.json").write_text(json.dumps(record))
    (out / "Lab-sample.template.json").write_text(json.dumps(TEMPLATE))
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two labs whose other parts are small stand-ins."""
    (tmp_path / "README.md").write_text(TOP_README)
    _lab(tmp_path, "d3_serve", more="\n<!-- settings -->\n<!-- /settings -->\n")
    _lab(tmp_path, "d1_lake")
    app = typer.Typer(help="Work with labs.")

    @app.command()
    def show(
        lab: str = typer.Argument(help="Folder or slug."),
        as_json: bool = typer.Option(False, "--json", help="For machines."),
    ) -> None:
        """One lab on one page."""

    @app.command(hidden=True)
    def secret() -> None:
        """Not for readers."""

    row = {"setting": "zones", "default": "2", "allowed": "1 to 3", "meaning": "zones | subnets"}
    other = {"setting": "tags", "default": "{}", "allowed": "", "meaning": "tags"}
    parts = {
        "labkit.review.rules_page": {"render": lambda: "# Rules\n"},
        "labkit.synth": {"settings_table": lambda: [row, other]},
        "labkit.cli": {"app": app},
    }
    for name, content in parts.items():
        module = types.ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return tmp_path


def test_after_writing_nothing_is_stale(root):
    # GIVEN documents with empty markers
    assert docs.check(root)
    # WHEN they are written
    changed = docs.write(root)
    # THEN the check is content, and a second time changes nothing
    assert docs.check(root) == []
    assert docs.write(root) == []
    assert {path.relative_to(root).as_posix() for path in changed} == {
        "README.md", "docs/rules.md", "docs/settings.md", "docs/commands.md",
        "labs/d1_lake/README.md", "labs/d1_lake/architecture.svg",
        "labs/d3_serve/README.md", "labs/d3_serve/architecture.svg",
    }  # fmt: skip


def test_a_stale_document_is_named_with_what_to_run(root):
    # GIVEN written documents, one then edited and one lost
    docs.write(root)
    readme = root / "README.md"
    readme.write_text(readme.read_text().replace("d1_lake", "d1_lakes"))
    (root / "docs/settings.md").unlink()
    # WHEN they are checked
    # THEN there is one line for each
    assert docs.check(root) == [
        "README.md: out of date. Run: labs docs",
        "docs/settings.md: missing. Run: labs docs",
    ]


def test_a_changed_template_makes_picture_and_cost_stale(root):
    # GIVEN written documents and a lab that has changed since
    docs.write(root)
    template = {
        "Resources": {
            **TEMPLATE["Resources"],
            "Nat": {"Type": "AWS::EC2::NatGateway"},
            "Topic": {"Type": "AWS::SNS::Topic"},
        }
    }
    (root / "cdk.out/d1_lake/Lab-sample.template.json").write_text(json.dumps(template))
    # WHEN they are checked
    stale = docs.check(root)
    # THEN the lab's documents and the table of labs are named
    assert [line.split(":")[0] for line in stale] == [
        "README.md",
        "labs/d1_lake/README.md",
        "labs/d1_lake/architecture.svg",
    ]


def test_the_table_of_labs_is_sorted_by_domain_and_tells_the_cost(root):
    # GIVEN two labs
    docs.write(root)
    # WHEN the top README is read
    lines = (root / "README.md").read_text().splitlines()
    # THEN the first domain comes first, and what a person wrote stays
    assert lines[2:8] == [
        "<!-- labs -->",
        "| lab | teaches | domain | minutes | USD per hour |",
        "| --- | --- | --- | --- | --- |",
        "| [d1_lake](labs/d1_lake/README.md) | Where a bucket is | 1 Data preparation | 20 | 0.0014 |",
        "| [d3_serve](labs/d3_serve/README.md) | Where a bucket is | 3 Deployment and orchestration | 20 | 0.0014 |",
        "<!-- /labs -->",
    ]
    assert lines[-1] == "by hand"


def test_the_steps_come_from_their_docstrings_without_running_them(root):
    # GIVEN a step that would fail if it were imported
    docs.write(root)
    # WHEN the lab's README is read
    text = (root / "labs/d1_lake/README.md").read_text()
    # THEN the steps are numbered, with title, instruction and link
    assert text.split("<!-- steps -->\n")[1].split("\n<!-- /steps -->")[0] == (
        "1. **Look at the bucket** ([01_look.py](steps/01_look.py))\n\n"
        "   It is empty.\n\n"
        "       labs run\n\n"
        "2. **Fill it** ([02_fill.py](steps/02_fill.py))"
    )


def test_the_cost_section_names_totals_prices_and_what_stays(root):
    # GIVEN a lab with a key and a bucket
    docs.write(root)
    # WHEN its cost section is read
    text = (root / "labs/d1_lake/README.md").read_text().split("<!-- cost -->")[1]
    # THEN it holds each part of the estimate
    assert "| if forgotten for a month (730 h) | 1.00 |" in text
    assert "| KMS: Customer managed key | 1 | 1.00 per key-month | 0.0014 | 2026-08-24 |" in text
    assert (
        "| S3: Standard storage | 0.023 per GB-month | what is stored, with its older versions | 2026-09-25 |" in text
    )
    assert "AWS keeps it for 30 days" in text


def test_settings_are_listed_as_a_page_and_where_a_lab_asks_for_its_own(root):
    # GIVEN one lab with the marker and one without
    docs.write(root)
    # WHEN the documents are read
    own = (root / "labs/d3_serve/README.md").read_text().split("<!-- settings -->")[1]
    # THEN the page has all settings, the lab those that its stack reads
    page = (root / "docs/settings.md").read_text()
    assert "| `zones` | 2 | 1 to 3 | zones \\| subnets |" in page
    assert "`tags`" in page
    assert "| zones | 2 | 1 to 3 | zones \\| subnets |" in own
    assert "tags" not in own
    assert "settings" not in (root / "labs/d1_lake/README.md").read_text()


def test_the_commands_come_from_their_own_help(root):
    # GIVEN an application with one command for everybody and one that is hidden
    docs.write(root)
    # WHEN the page of commands is read
    text = (root / "docs/commands.md").read_text()
    # THEN the first is there with its argument and option
    assert re.search(r"## show\n\n`labs show \[OPTIONS\] \{?lab\}?`\n\nOne lab on one page.\n", text, re.IGNORECASE)
    assert "- `--json` For machines." in text
    assert "secret" not in text


@pytest.mark.parametrize("mark", ["<!-- cost -->", "<!-- /cost -->"])
def test_a_missing_marker_is_named_with_its_file(root, mark):
    # GIVEN a README that lost a marker
    readme = root / "labs/d1_lake/README.md"
    readme.write_text(readme.read_text().replace(mark, ""))
    # WHEN documents are generated
    # THEN the message names file and marker
    with pytest.raises(UserError, match=rf"labs/d1_lake/README\.md: has the marker {mark} 0 times"):
        docs.check(root)


def test_markers_the_wrong_way_round_are_named(root):
    # GIVEN a top README whose markers were swapped
    (root / "README.md").write_text("<!-- /labs -->\n<!-- labs -->\n")
    # WHEN documents are generated
    # THEN the message says what to do
    with pytest.raises(UserError, match=r"README\.md: the marker <!-- /labs --> stands before <!-- labs -->"):
        docs.check(root)


def test_a_missing_readme_is_named(root):
    # GIVEN a lab without a README
    (root / "labs/d1_lake/README.md").unlink()
    # WHEN documents are generated
    # THEN the message names it and its markers
    with pytest.raises(UserError, match=r"labs/d1_lake/README\.md: missing.*<!-- steps -->"):
        docs.check(root)


@pytest.mark.parametrize(("text", "told"), [("x = 1\n", "has no docstring"), ("def:\n", "not valid Python")])
def test_a_step_that_says_nothing_is_named(root, text, told):
    # GIVEN a step without an instruction
    (root / "labs/d3_serve/steps/02_fill.py").write_text(text)
    # WHEN documents are generated
    # THEN the message names it
    with pytest.raises(UserError, match=rf"labs/d3_serve/steps/02_fill\.py: {told}"):
        docs.check(root)


def test_a_lab_that_is_not_synthesized_is_named(root):
    # GIVEN a lab whose template is not there
    (root / "cdk.out/d1_lake/lab.json").unlink()
    # WHEN documents are generated
    # THEN the message says what to run
    with pytest.raises(UserError, match="Run: labs synth d1_lake"):
        docs.check(root)


def test_assemblies_that_are_given_must_hold_every_lab(root):
    # GIVEN the assembly of one lab of two
    from labkit.assembly import Assembly

    given = [Assembly.read(root / "cdk.out" / "d3_serve")]
    # WHEN documents are generated from it
    # THEN the missing lab is named, instead of a table without it
    with pytest.raises(UserError, match="d1_lake is not synthesized"):
        docs.check(root, given)


def test_a_part_that_is_not_there_is_no_empty_page(root, monkeypatch):
    # GIVEN a project whose review cannot render its page
    monkeypatch.delattr(sys.modules["labkit.review.rules_page"], "render")
    # WHEN documents are generated
    # THEN it fails instead of leaving the page out
    with pytest.raises(AttributeError, match="render"):
        docs.check(root)
