"""The programs of the training pipeline, run on the lab's data as its jobs run them."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from labkit.catalogue import ROOT

LAB = ROOT / "labs" / "d3_retraining_cicd"
JOBS = LAB / "src" / "release" / "jobs"
SERVING = ROOT / "stacks" / "patterns" / "serving" / "inference.py"


def program(name: str, *arguments: str, folder: Path = JOBS, **environment: Any) -> subprocess.CompletedProcess[str]:
    texts = {name: str(value) for name, value in environment.items()}
    return subprocess.run(
        [sys.executable, str(folder / name), *arguments], env=texts, capture_output=True, text=True, check=False
    )


def prepared(work: Path, *deliveries: str) -> Path:
    data = work / "input" / "data"
    data.mkdir(parents=True)
    for name in deliveries:
        shutil.copy(LAB / "data" / f"{name}.csv", data)
    assert program("prepare.py", PROCESSING_ROOT=work).returncode == 0
    return work / "output"


def trained(work: Path, splits: Path, *arguments: str) -> Path:
    code, model = work / "code", work / "model"
    code.mkdir(parents=True)
    shutil.copy(JOBS / "train.py", code)
    shutil.copy(SERVING, code)
    done = program(
        "train.py", *arguments, folder=code, SM_CHANNEL_TRAIN=splits / "train",
        SM_CHANNEL_VALIDATION=splits / "validation", SM_MODEL_DIR=model,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    archive = work / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(model.rglob("*")):
            tar.add(path, arcname=path.relative_to(model).as_posix())
    return archive


def evaluated(work: Path, splits: Path, challenger: Path, champion: Path | None) -> dict[str, Any]:
    for name, file in (
        ("holdout", splits / "holdout" / "holdout.csv"),
        ("challenger", challenger),
        ("champion", champion),
    ):
        (work / "input" / name).mkdir(parents=True)
        if file is not None:
            shutil.copy(file, work / "input" / name)
    done = program("evaluate.py", PROCESSING_ROOT=work)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads((work / "output" / "evaluation" / "evaluation.json").read_text())
    return report


@pytest.fixture(scope="module")
def winter(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Splits of the winter, and the first model."""
    work = tmp_path_factory.mktemp("winter")
    splits = prepared(work / "split", "winter")
    return splits, trained(work, splits)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Splits of winter and summer."""
    return prepared(tmp_path_factory.mktemp("both"), "winter", "summer")


def rows(file: Path) -> list[list[str]]:
    with file.open(newline="") as lines:
        return list(csv.reader(lines))


def test_days_are_split_whole_and_every_flight_is_in_one_part(winter: tuple[Path, Path]) -> None:
    parts = {name: rows(winter[0] / name / f"{name}.csv") for name in ("train", "validation", "holdout")}
    assert all(part[0][0] == "late" and "date" not in part[0] for part in parts.values())
    assert sum(len(part) - 1 for part in parts.values()) == 3000
    assert [len(part) - 1 for part in parts.values()] == [1992, 520, 488]


def test_without_a_delivery_the_job_says_so(tmp_path: Path) -> None:
    done = program("prepare.py", PROCESSING_ROOT=tmp_path)
    assert done.returncode == 1
    assert "no delivery was accepted yet" in done.stderr


def test_the_archive_holds_model_and_serving_code(winter: tuple[Path, Path]) -> None:
    with tarfile.open(winter[1]) as tar:
        assert {"xgboost-model.json", "code/inference.py"} <= set(tar.getnames())


def test_the_same_data_give_the_same_model(winter: tuple[Path, Path], tmp_path: Path) -> None:
    again = trained(tmp_path / "again", winter[0])
    report = evaluated(tmp_path / "work", winter[0], again, winter[1])
    assert report["comparison"]["gain"]["value"] == 0


def test_the_first_model_is_compared_with_a_coin(winter: tuple[Path, Path], tmp_path: Path) -> None:
    report = evaluated(tmp_path, winter[0], winter[1], None)
    assert report["comparison"]["has_champion"]["value"] == 0
    assert report["comparison"]["champion_auc"]["value"] == 0.5
    assert report["binary_classification_metrics"]["auc"]["value"] > 0.65


def test_a_stump_loses_and_the_model_of_both_seasons_wins(
    winter: tuple[Path, Path], both: Path, tmp_path: Path
) -> None:
    stump = trained(tmp_path / "stump", winter[0], "--num_round", "1", "--max_depth", "1")
    better = trained(tmp_path / "better", both)
    lost = evaluated(tmp_path / "lost", winter[0], stump, winter[1])
    won = evaluated(tmp_path / "won", both, better, winter[1])
    assert lost["comparison"]["gain"]["value"] < -0.05
    assert won["comparison"]["gain"]["value"] > 0.05
    assert won["comparison"]["flights"]["value"] == 1019
