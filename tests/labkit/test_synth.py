"""Synthesis is pure, keeps what has not changed, and leaves nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit import synth as synthesis
from labkit.assembly import Assembly
from labkit.catalogue import ROOT, Lab, pick
from labkit.errors import UserError
from labkit.synth import synth

NAME = "d3_realtime_endpoint"


def endpoint_lab() -> Lab:
    return pick([NAME])[0]


@pytest.fixture
def made(synthesize: Callable[..., Assembly], tmp_path: Path) -> Path:
    """A copy of the synthesized lab, to be spoilt."""
    shutil.copytree(synthesize(endpoint_lab()).folder, tmp_path / NAME)
    return tmp_path


def test_another_process_with_another_hash_seed_and_place_writes_the_same_bytes(
    synthesize: Callable[..., Assembly], tmp_path: Path
) -> None:
    here = synthesize(endpoint_lab())
    code = (
        "from pathlib import Path; from labkit.catalogue import pick; from labkit.synth import synth;"
        f"synth(pick(['{NAME}']), out=Path({str(tmp_path)!r}), file=None)"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT,
        env={
            **os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "HOME": str(tmp_path), "LANG": "C",
            # Only CDK's own code, which need not be unpacked again in the new home.
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(Path.home() / ".cache/aws/jsii/package-cache"),
        },
    )  # fmt: skip
    name = f"{here.stack}.template.json"
    assert (tmp_path / NAME / name).read_bytes() == (here.folder / name).read_bytes()
    assert {a.path.name for a in Assembly.read(tmp_path / NAME).assets} == {a.path.name for a in here.assets}


def test_the_cdk_command_line_writes_the_same_bytes(synthesize: Callable[..., Assembly], tmp_path: Path) -> None:
    here = synthesize(endpoint_lab())
    command = [ROOT / "node_modules" / ".bin" / "cdk", "synth", "--quiet", "--output", tmp_path, "-c", f"labs={NAME}"]
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT, env={**os.environ, "CI": "true"})
    name = f"{here.stack}.template.json"
    assert (tmp_path / name).read_bytes() == (here.folder / name).read_bytes()


def test_an_unchanged_lab_is_not_made_again(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "_make", lambda *args, **kw: pytest.fail("made again"))
    (outcome,) = synth([endpoint_lab()], out=made, file=None)
    assert not outcome.made


@pytest.mark.parametrize("spoil", ["template", "record", "version", "asset"])
def test_a_spoilt_assembly_is_made_again(made: Path, spoil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made / NAME
    assembly = Assembly.read(folder)
    if spoil == "template":
        (folder / f"{assembly.stack}.template.json").write_text("{}")
    if spoil == "record":
        (folder / "lab.json").write_text("{")
    if spoil == "version":
        (folder / "lab.json").write_text(json.dumps({"lab": NAME}))
    if spoil == "asset":
        assembly.assets[0].path.unlink()
    called: list[str] = []
    monkeypatch.setattr(synthesis, "_make", lambda lab, *args, **kw: called.append(lab.name) or assembly)
    synth([endpoint_lab()], out=made, file=None)
    assert called == [NAME]


def test_other_settings_make_it_again(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    kept = Assembly.read(made / NAME)
    monkeypatch.setattr(synthesis, "_make", lambda lab, *args, **kw: called.append(lab.name) or kept)
    synth([endpoint_lab()], out=made, file=None, given={"zones": 1})
    assert called == [NAME]


def test_a_missing_source_file_is_named_and_nothing_is_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stacks.lab_stack import LabStack

    real = LabStack.src

    def src(self: LabStack, name: str) -> Path:
        return real(self, "nothing.py" if name == "caller.py" else name)

    monkeypatch.setattr(LabStack, "src", src)
    with pytest.raises(UserError, match=rf"labs/{NAME}/src/nothing.py is missing"):
        synth([endpoint_lab()], out=tmp_path, file=None)
    assert list(tmp_path.iterdir()) == []


def test_a_bad_setting_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="setting cidr"):
        synth([endpoint_lab()], out=tmp_path, file=None, given={"cidr": "0.0.0.0/0"})
    assert list(tmp_path.iterdir()) == []


def test_findings_and_acceptances_are_recorded_with_their_resources(synthesize: Callable[..., Any]) -> None:
    assembly = synthesize(endpoint_lab())
    names = set(assembly.template["Resources"])
    assert {row["logical_id"] for row in assembly.findings} <= names
    assert all(set(row["logical_ids"]) <= names and row["logical_ids"] for row in assembly.accepted)
    accepted = {(row["engine"], row["rule"], name) for row in assembly.accepted for name in row["logical_ids"]}
    assert {(row["engine"], row["finding"], row["logical_id"]) for row in assembly.findings} <= accepted


def test_the_gates_validator_is_really_on() -> None:
    code = """
import sys, tempfile
from pathlib import Path
import labkit.synth as synthesis
from labkit.catalogue import ROOT, pick
from stacks import lab_stack
synthesis._switch_validator(on=True)
import aws_cdk as cdk
class Faulty(lab_stack.LabStack):
    def build(self):
        cdk.CfnResource(self, "Bucket", type="AWS::S3::Bucket", properties={"NoSuchProperty": 1})
lab_stack.stack_class = lambda folder: Faulty
settings = synthesis.load_settings(file=None)
assembly = synthesis._make(pick(["d3_realtime_endpoint"])[0], settings, Path(tempfile.mkdtemp()), "", validated=True)
print([(row["logical_id"], row["engine"]) for row in assembly.record["validator"]])
"""
    environment = {name: value for name, value in os.environ.items() if name != "CDK_VALIDATION"}
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT, env=environment, capture_output=True, text=True
    ).stdout
    assert "('Bucket', 'CloudFormation Validate')" in printed
