"""Generated documents say what the program says, and links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit import docs
from labkit.assembly import Assembly
from labkit.catalogue import ROOT, find

MADE = {"node_modules", "cdk.out", "review", "rehearsal"}
# What is made or installed is left out before it is looked through: it holds a hundred thousand files.
KEPT = [place for place in ROOT.iterdir() if not place.name.startswith(".") and place.name not in MADE]
DOCUMENTS = sorted(found for place in KEPT for found in ([place] if place.suffix == ".md" else place.rglob("*.md")))


def test_no_generated_document_is_stale(synthesize: Callable[..., Assembly]) -> None:
    assert docs.check(ROOT, [synthesize(lab) for lab in find()]) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_lead_to_files(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text())
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in local if not (document.parent / target).exists()] == []


def test_the_readme_names_every_command_that_exists() -> None:
    from labkit.cli import app

    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    readme = (ROOT / "README.md").read_text()
    assert [name for name in sorted(commands - {"docs"}) if f"labs {name}" not in readme] == []
