"""The line about a lab is made once, and again when anything that decides it has changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from labkit import summary as module
from labkit.assembly import RECORD, Assembly
from labkit.catalogue import ROOT
from labkit.digest import digest
from labkit.engine import environment
from labkit.summary import KEPT, summary
from tests.conftest import LABS, synthesized

TODAY = date(2026, 11, 23)


@pytest.fixture
def assembly(tmp_path: Path) -> Assembly:
    """A lab as synthesis left it, without its line."""
    folder = tmp_path / "lab"
    shutil.copytree(synthesized(LABS[0]).folder, folder)
    (folder / KEPT).unlink(missing_ok=True)
    return Assembly.read(folder)


def made_again(assembly: Assembly, monkeypatch: pytest.MonkeyPatch, *, today: date = TODAY) -> bool:
    made: list[date] = []

    def make(assembly: Assembly, day: date) -> dict[str, str]:
        made.append(day)
        return {"resources": "made again"}

    monkeypatch.setattr(module, "_made", make)
    summary(Assembly.read(assembly.folder), today=today)
    return bool(made)


def test_a_line_is_kept_as_long_as_nothing_of_it_can_change(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = summary(assembly, today=TODAY)
    assert first["resources"] == len(assembly.template["Resources"])
    assert first["open"] == 0
    assert first["accepted"] > 0
    assert not made_again(assembly, monkeypatch)
    assert summary(Assembly.read(assembly.folder), today=TODAY) == first


@pytest.mark.parametrize("changed", ["template", RECORD, KEPT, "day", "code"])
def test_a_line_is_made_again_when_something_has_changed(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    summary(assembly, today=TODAY)
    today = date(2026, 11, 24) if changed == "day" else TODAY
    if changed == "code":
        monkeypatch.setattr(module, "_code", lambda: "other")
    elif changed == KEPT:
        (assembly.folder / KEPT).write_text('{"key": "')
    elif changed != "day":
        file = assembly.template_file if changed == "template" else assembly.folder / RECORD
        file.write_text(json.dumps(json.loads(file.read_text()), indent=3))
    assert made_again(assembly, monkeypatch, today=today)


def test_a_listing_in_which_nothing_changed_loads_neither_rules_nor_prices() -> None:
    code = (
        "import sys; from labkit.summary import summary; from labkit.assembly import Assembly; from pathlib import Path;"
        "print(summary(Assembly.read(Path(sys.argv[1])))['open'],"
        "[name for name in ('labkit.review', 'labkit.cost', 'stacks') if name in sys.modules])"
    )
    folder = synthesized(LABS[0]).folder
    for expected in (None, "0 []\n"):
        told = subprocess.run(
            [sys.executable, "-c", code, str(folder)],
            check=True,
            capture_output=True,
            text=True,
            env=environment() | {"PYTHONPATH": str(ROOT)},
        ).stdout
        assert expected in (None, told)


def test_names_and_content_decide_a_digest_and_bytecode_does_not(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "a.py").write_text("a = 1\n")
    first = digest([tmp_path])
    (tmp_path / "part" / "__pycache__").mkdir()
    (tmp_path / "part" / "__pycache__" / "a.pyc").write_text("x")
    assert digest([tmp_path]) == first
    (tmp_path / "part" / "a.py").write_text("a = 2\n")
    changed = digest([tmp_path])
    (tmp_path / "part" / "a.py").rename(tmp_path / "part" / "b.py")
    assert len({first, changed, digest([tmp_path])}) == 3
    # AND a link that leads nowhere, as some editors leave, is no file
    renamed = digest([tmp_path])
    (tmp_path / "part" / ".#b.py").symlink_to("nowhere")
    assert digest([tmp_path, tmp_path / "part" / ".#b.py"]) == renamed
    # AND a file is taken as itself
    assert digest([tmp_path / "part" / "b.py"]) not in (first, changed)
