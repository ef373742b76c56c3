"""Writes the evidence: for machines, for spreadsheets, and as one page for people. Same rows, same bytes."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from labkit.errors import UserError
from labkit.review.evidence import COLUMNS
from labkit.review.oscal import as_oscal
from labkit.review.page import page
from labkit.review.result import Review
from labkit.review.sarif import as_sarif

_FORMAT = 1
# A cell that starts so is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t")


def write(review: Review, folder: Path) -> list[Path]:
    """Write all forms into a folder, each file whole or not at all, and return them.

    Raises:
        UserError: the folder cannot be written.
    """
    forms: dict[str, Callable[[Review], str]] = {
        "evidence.json": as_json,
        "evidence.csv": as_csv,
        "review.sarif": as_sarif,
        "oscal.json": as_oscal,
        "review.html": page,
    }
    contents = {name: render(review) for name, render in forms.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_replace(folder / name, content) for name, content in contents.items()]
    except OSError as error:
        raise UserError(f"{folder}: the evidence cannot be written there ({error.strerror})") from None


def as_json(review: Review) -> str:
    """Return everything as canonical JSON: sorted, and without the time it was made."""
    content = {
        "format": _FORMAT,
        "engines": dict(review.engines),
        "labs": [
            asdict(lab) | {"counts": asdict(review.counts[lab.lab]), "looked_at": review.looked_at[lab.lab]}
            for lab in review.labs
        ],
        "not_evaluated": [asdict(limit) for limit in review.limits],
        "evidence": [asdict(row) for row in review.rows],
    }
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def as_csv(review: Review) -> str:
    """Return the rows as a table with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in review.rows:
        writer.writerow([_cell(getattr(row, column)) for column in COLUMNS])
    return text.getvalue()


def _cell(value: str | int | tuple[str, ...]) -> str:
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _replace(path: Path, content: str) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(content)
        # mkstemp makes files for their owner only; evidence is for the team.
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path
