"""What is true of every lab. Written once; a new lab is tested by being there."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.location import PyTestLocation

from labkit.assembly import Assembly
from labkit.catalogue import Lab
from labkit.cost import estimate, unpriced
from labkit.review import quick_findings, review

PARTITIONS = {"aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}


class PerLab(JSONSnapshotExtension):
    """One readable file per lab in tests/snapshots."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        return str(Path(test_location.filepath).parent.parent / "snapshots")

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: Any = 0) -> str:
        return str(index)


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(PerLab)


def stable(assembly: Assembly) -> dict[str, Any]:
    """The template with assets named after the construct that packs them instead of after their content."""
    text = json.dumps(assembly.template)
    files = json.loads((assembly.folder / f"{assembly.stack}.assets.json").read_text())["files"]
    for digest, entry in files.items():
        text = text.replace(digest, f"<asset {entry['displayName']}>")
    template: dict[str, Any] = json.loads(text)
    return template


def differences(one: Any, other: Any, path: str = "") -> dict[str, Any]:
    """Path to value, where another template differs from the first."""
    if isinstance(one, dict) and isinstance(other, dict):
        found: dict[str, Any] = {}
        for key in sorted(one.keys() | other.keys()):
            found |= differences(one.get(key), other.get(key), f"{path}/{key}")
        return found
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        found = {}
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            found |= differences(left, right, f"{path}/{number}")
        return found
    return {} if one == other else {path: other}


def test_template_is_the_reviewed_one(lab: Lab, assembly: Assembly, snapshot: SnapshotAssertion) -> None:
    assert stable(assembly) == snapshot(name=lab.name)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_other_partitions_differ_only_as_reviewed(
    lab: Lab, assembly: Assembly, partition: str, synthesize: Any, snapshot: SnapshotAssertion
) -> None:
    other = synthesize(lab, place=partition, region=PARTITIONS[partition])
    assert differences(stable(assembly), stable(other)) == snapshot(name=f"{lab.name}.{partition}")


@pytest.mark.parametrize("partition", PARTITIONS)
def test_other_partitions_have_no_open_finding(lab: Lab, partition: str, synthesize: Any, today: Any) -> None:
    other = synthesize(lab, place=partition, region=PARTITIONS[partition])
    assert quick_findings(other, today=today).open == 0


def test_review_finds_nothing_open(validated_assembly: Assembly, today: Any) -> None:
    result = review([validated_assembly], today=today, out=None)
    assert [(row.rule, row.logical_id, row.evidence) for row in result.open] == []
    assert quick_findings(validated_assembly, today=today).open == 0


def test_controls_of_the_lab_are_evaluated_on_its_template(lab: Lab, assembly: Assembly, today: Any) -> None:
    rows = review([assembly], today=today, out=None, second_opinion=False).rows
    evaluated = {name for row in rows if row.status in ("pass", "accepted") for name in (row.rule, *row.controls)}
    assert set(lab.controls) - evaluated == set()


def test_every_resource_type_has_a_price_rule(assembly: Assembly) -> None:
    assert unpriced(assembly.template) == []
    assert estimate(assembly).hourly > 0


def test_template_fits_the_limits_of_cloudformation(assembly: Assembly) -> None:
    template = json.dumps(assembly.template)
    assert len(template) < 1_000_000
    assert len(assembly.template["Resources"]) <= 500
    assert len(assembly.template["Outputs"]) <= 200
    assert all(re.fullmatch(r"[A-Za-z0-9]{1,255}", name) for name in assembly.template["Resources"])


def test_no_resource_of_aws_hides_from_the_packs_behind_a_generic_construct(lab: Lab) -> None:
    sources = [lab.folder / "stack.py", *(lab.folder.parent.parent / "stacks").glob("*/*.py")]
    generic = [
        (source.name, keyword.value.value)
        for source in sources
        for call in ast.walk(ast.parse(source.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) == "CfnResource"
        for keyword in call.keywords
        if keyword.arg == "type" and isinstance(keyword.value, ast.Constant)
    ]
    assert [entry for entry in generic if not str(entry[1]).startswith("Custom::")] == []


def test_folder_has_every_part(lab: Lab) -> None:
    parts = [
        "lab.toml",
        "README.md",
        "architecture.svg",
        "stack.py",
        "permissions.toml",
        "verify.py",
        "src",
        "data/SOURCE.md",
    ]
    assert [part for part in parts if not (lab.folder / part).exists()] == []
    assert len(lab.steps) >= 3


def test_steps_and_claims_tell_what_they_are_for(lab: Lab) -> None:
    silent = [step.name for step in lab.steps if not ast.get_docstring(ast.parse(step.read_text()))]
    module = ast.parse((lab.folder / "verify.py").read_text())
    tests = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    silent += [test.name for test in tests if not ast.get_docstring(test)]
    assert tests
    assert silent == []


def test_every_claim_asserts_something(lab: Lab) -> None:
    module = ast.parse((lab.folder / "verify.py").read_text())
    empty = [
        test.name
        for test in module.body
        if isinstance(test, ast.FunctionDef)
        and test.name.startswith("test_")
        and not any(isinstance(node, (ast.Assert, ast.With)) for node in ast.walk(test))
    ]
    assert empty == []


def test_architecture_fits_one_screen(lab: Lab) -> None:
    lines = (lab.folder / "stack.py").read_text().splitlines()
    assert len(lines) <= 110
    assert ast.get_docstring(ast.parse("\n".join(lines)))


def test_readme_has_the_house_sections(lab: Lab) -> None:
    headings = re.findall(r"^## (.+)$", (lab.folder / "README.md").read_text(), re.MULTILINE)
    wanted = ["Goal", "Architecture", "Cost", "Steps", "What to notice", "Out of scope", "Clean up"]
    assert [heading for heading in headings if heading in wanted] == wanted


def test_data_is_what_its_source_note_says(lab: Lab) -> None:
    import hashlib

    note = (lab.folder / "data" / "SOURCE.md").read_text()
    files = [p for p in (lab.folder / "data").iterdir() if p.is_file() and p.suffix not in (".md", ".py")]
    assert files
    assert [p.name for p in files if hashlib.sha256(p.read_bytes()).hexdigest() not in note] == []
    assert "licen" in note.lower()


def test_outputs_end_in_what_they_are(assembly: Assembly) -> None:
    endings = ("Name", "Arn", "Id", "Ids", "Uri", "Url", "Prefix", "Invocations", "Instances", "Bytes", "Names", "Key")
    assert [name for name in assembly.template["Outputs"] if not name.endswith(endings)] == []
