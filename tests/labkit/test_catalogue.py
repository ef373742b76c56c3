"""The catalogue is read from folders, as a whole, and a mistake in a lab.toml is told in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.catalogue import TASKS, find, pick
from labkit.errors import UserError

GOOD = """
title = "A lab"
teaches = "Something."
domain = 3
tasks = ["3.1"]
minutes = 10
needs = []
controls = []
availability = "open"
quotas = []
sources = []
"""


def lab(root: Path, name: str = "d3_thing", text: str = GOOD) -> Path:
    folder = root / "labs" / name
    folder.mkdir(parents=True)
    (folder / "lab.toml").write_text(text)
    return root


def test_a_folder_with_a_lab_toml_is_a_lab(tmp_path: Path) -> None:
    (found,) = find(lab(tmp_path))
    assert (found.name, found.slug, found.stack) == ("d3_thing", "d3-thing", "Lab-d3-thing")


@pytest.mark.parametrize("spelling", ["d3_thing", "d3-thing", "Lab-d3-thing", "labs/d3_thing/"])
def test_a_lab_is_found_by_any_of_its_names(tmp_path: Path, spelling: str) -> None:
    assert pick([spelling], lab(tmp_path))[0].name == "d3_thing"


def test_an_unknown_lab_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no lab 'd3_thin'\. Did you mean d3_thing\?"):
        pick(["d3_thin"], lab(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("domain = 3", "domain = ", "not valid TOML"),
        ("domain = 3", "domain = 9", "domain must be one of 1, 2, 3, 4, 5"),
        ("domain = 3", "domain = 2", "the folder says other"),
        ('tasks = ["3.1"]', 'tasks = ["9.9"]', "tasks must name some of 1.1"),
        ('tasks = ["3.1"]', "tasks = []", "tasks must name some of"),
        ("minutes = 10", 'minutes = "ten"', "minutes must be a int, got 'ten'"),
        ("minutes = 10", "minutes = 0", "minutes must be positive"),
        ("minutes = 10\n", "", "lacks minutes"),
        ("minutes = 10", "minutes = 10\ncolour = 1", "has unknown colour; allowed: availability"),
        ("needs = []", 'needs = ["d1_nothing"]', "needs 'd1_nothing', which is no lab"),
        ("quotas = []", 'quotas = [{code = "L-1"}]', "each quota has code, name, needed, why"),
        ('title = "A lab"', 'title = " "', "title must not be empty"),
    ],
)
def test_a_malformed_lab_toml_is_explained(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(UserError) as error:
        find(lab(tmp_path, text=GOOD.replace(old, new)))
    assert "labs/d3_thing/lab.toml" in str(error.value)
    assert told in str(error.value)


def test_labs_that_need_each_other_are_refused(tmp_path: Path) -> None:
    lab(tmp_path, "d3_one", GOOD.replace("needs = []", 'needs = ["d3_two"]'))
    lab(tmp_path, "d3_two", GOOD.replace("needs = []", 'needs = ["d3_one"]'))
    with pytest.raises(UserError, match="d3_one -> d3_two -> d3_one"):
        find(tmp_path)


def test_a_folder_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be named d<domain>_<noun>"):
        find(lab(tmp_path, "Thing"))


def test_the_labs_of_the_project_are_sound() -> None:
    labs = find()
    assert {"d1_data_lake", "d3_realtime_endpoint"} <= {lab.name for lab in labs}
    assert {task for lab in labs for task in lab.tasks} <= set(TASKS)
