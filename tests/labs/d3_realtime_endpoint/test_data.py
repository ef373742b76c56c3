"""The lab's files hold both answers and only numbers, and no flight twice."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from labkit.flights import COLUMNS


def rows(folder: Path, split: str) -> list[dict[str, str]]:
    with (folder / "data" / f"{split}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("split", "wanted"), [("train", 8000), ("validation", 1500), ("holdout", 1000)])
def test_files_hold_both_answers_and_only_numbers(lab_folder: Path, split: str, wanted: int) -> None:
    found = rows(lab_folder, split)
    names = json.loads((lab_folder / "data" / "codes.json").read_text())
    assert len(found) == wanted
    assert tuple(found[0]) == COLUMNS
    assert 0.1 < sum(int(row["late"]) for row in found) / wanted < 0.4
    for row in found:
        assert all(float(value) > -100 for value in row.values() if value)
        assert all(0 <= int(row[name]) < len(names[name]) for name in names)


def test_no_flight_stands_in_two_files(lab_folder: Path) -> None:
    seen = [
        {tuple(value for name, value in row.items() if name != "late") for row in rows(lab_folder, split)}
        for split in ("train", "validation", "holdout")
    ]
    assert seen[0] & seen[1] == seen[0] & seen[2] == seen[1] & seen[2] == set()
