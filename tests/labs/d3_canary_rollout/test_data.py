"""The lab's files hold winter only, both answers and only numbers, and no flight twice."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from labkit.flights import COLUMNS


def rows(folder: Path, split: str) -> list[dict[str, str]]:
    with (folder / "data" / f"{split}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("split", "wanted"), [("train", 6000), ("validation", 1200), ("holdout", 600)])
def test_files_hold_winter_and_both_answers(lab_folder: Path, split: str, wanted: int) -> None:
    found = rows(lab_folder, split)
    assert len(found) == wanted
    assert tuple(found[0]) == COLUMNS
    assert {row["month"] for row in found} == {"1", "2", "3"}
    assert 0.1 < sum(int(row["late"]) for row in found) / wanted < 0.4
    assert all(float(value) > -100 for row in found for value in row.values() if value)


def test_no_flight_stands_in_two_files(lab_folder: Path) -> None:
    seen = [
        {tuple(value for name, value in row.items() if name != "late") for row in rows(lab_folder, split)}
        for split in ("train", "validation", "holdout")
    ]
    assert seen[0] & seen[1] == seen[0] & seen[2] == seen[1] & seen[2] == set()


def test_the_flights_of_one_minute_come_from_many_days(lab_folder: Path) -> None:
    # GIVEN the order in which the steps send flights
    found = rows(lab_folder, "holdout")
    text = (lab_folder / "steps" / "shipping.py").read_text()
    stride = int(text.split("STRIDE = ")[1].split()[0])
    # THEN it visits each flight once before it repeats, and soon the whole winter
    order = [n * stride % len(found) for n in range(len(found))]
    assert sorted(order) == list(range(len(found)))
    assert {found[n]["month"] for n in order[:10]} == {"1", "2", "3"}
