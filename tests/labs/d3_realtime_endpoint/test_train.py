"""The model files are what train.py makes of the data, and good enough to be worth serving."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xgboost as xgb

VERSIONS = (1, 2)


@pytest.fixture(scope="module")
def train(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("src/train.py")


@pytest.fixture(scope="module")
def splits(train: ModuleType, lab_folder: Path) -> dict[str, xgb.DMatrix]:
    return {name: train.read(lab_folder / "data" / f"{name}.csv") for name in ("train", "validation", "holdout")}


def model(folder: Path, version: int) -> xgb.Booster:
    return xgb.Booster(model_file=folder / "src" / f"model_v{version}" / "xgboost-model.json")


def auc(data: xgb.DMatrix, booster: xgb.Booster) -> float:
    late, scores = data.get_label() == 1, booster.predict(data)
    above = scores[late][:, None] - scores[~late][None, :]
    return float((above > 0).mean() + (above == 0).mean() / 2)


@pytest.mark.parametrize("version", VERSIONS)
def test_training_again_gives_the_model_that_is_served(
    train: ModuleType, splits: dict[str, xgb.DMatrix], lab_folder: Path, version: int
) -> None:
    # GIVEN the hyperparameters that the model file itself names
    served = model(lab_folder, version)
    hyperparameters = json.loads(served.attr("hyperparameters"))
    # WHEN it is trained again
    again = train.train(splits["train"], splits["validation"], hyperparameters)
    # THEN both predict the same; sums of floats may differ in the last digits from one processor to the next
    np.testing.assert_allclose(again.predict(splits["holdout"]), served.predict(splits["holdout"]), atol=1e-4)


def test_version_2_ranks_better_than_version_1(splits: dict[str, xgb.DMatrix], lab_folder: Path) -> None:
    first, second = (
        {part: auc(data, model(lab_folder, version)) for part, data in splits.items()} for version in VERSIONS
    )
    assert first["holdout"] > 0.68
    assert second["validation"] > first["validation"] + 0.01
    assert second["holdout"] > first["holdout"] + 0.01


@pytest.mark.parametrize("version", VERSIONS)
def test_model_files_are_small_and_name_their_features(lab_folder: Path, train: ModuleType, version: int) -> None:
    path = lab_folder / "src" / f"model_v{version}" / "xgboost-model.json"
    assert path.stat().st_size < 300_000
    header = (lab_folder / "data" / "train.csv").read_text().splitlines()[0].split(",")
    assert [train.LABEL, *model(lab_folder, version).feature_names] == header


def test_runs_as_a_training_job_runs_it(lab_folder: Path, tmp_path: Path) -> None:
    # GIVEN the folders and variables of a training job, and no argument
    for channel in ("train", "validation"):
        (tmp_path / channel).mkdir()
        shutil.copy(lab_folder / "data" / f"{channel}.csv", tmp_path / channel)
    job = {
        "SM_CHANNEL_TRAIN": tmp_path / "train",
        "SM_CHANNEL_VALIDATION": tmp_path / "validation",
        "SM_MODEL_DIR": tmp_path / "model",
        "SM_OUTPUT_DATA_DIR": tmp_path / "output",
        "SM_HPS": json.dumps({"num_round": 3, "max_depth": 2}),
    }
    # WHEN the program runs, with one hyperparameter on the command line
    done = subprocess.run(
        [sys.executable, lab_folder / "src" / "train.py", "--max_depth", "3"],
        env={**os.environ, **{name: str(value) for name, value in job.items()}},
        capture_output=True,
        text=True,
        check=True,
    )
    # THEN the model and its metrics stand where SageMaker looks, and the log holds what a metric definition matches
    booster = xgb.Booster(model_file=tmp_path / "model" / "xgboost-model.json")
    assert json.loads(booster.attr("hyperparameters"))["max_depth"] == 3
    assert booster.num_boosted_rounds() <= 3
    metrics = json.loads((tmp_path / "output" / "metrics.json").read_text())
    assert 0.5 < metrics["validation:auc"] < 1
    assert f"validation:auc={metrics['validation:auc']};" in done.stdout


def test_stops_when_validation_no_longer_improves(train: ModuleType, splits: dict[str, xgb.DMatrix]) -> None:
    hasty = train.HYPERPARAMETERS | {"num_round": 60, "early_stopping_rounds": 2, "eta": 1.0, "max_depth": 6}
    booster = train.train(splits["train"], splits["validation"], hasty)
    assert booster.num_boosted_rounds() < 30


def test_a_channel_with_other_columns_is_refused(train: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("late,month\n1,2\n")
    (tmp_path / "b.csv").write_text("late,day\n1,2\n")
    with pytest.raises(SystemExit, match=r"b\.csv: its columns differ from those of a\.csv"):
        train.read(tmp_path)


def test_a_channel_without_the_label_is_refused(train: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("month,late\n1,2\n")
    with pytest.raises(SystemExit, match="the first column must be 'late'"):
        train.read(tmp_path)


def test_an_empty_channel_is_refused(train: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="No CSV file"):
        train.read(tmp_path)
