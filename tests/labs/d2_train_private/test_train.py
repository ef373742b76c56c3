"""The training script gives the same model every time, also after an interruption, and says what is wrong with its data."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

SMALL = {"num_round": 14, "early_stopping_rounds": 0, "max_depth": 3}


@pytest.fixture(scope="module")
def train(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("src/code/train.py")


@pytest.fixture(scope="module")
def channels(train: ModuleType, lab_folder: Path) -> tuple[object, object]:
    """The real training and validation rows."""
    return train.Channel(lab_folder / "data" / "train.csv"), train.Channel(lab_folder / "data" / "validation.csv")


def trained(
    train: ModuleType, channels: tuple[object, object], folder: Path | None, rounds: int | None = None, **more: float
) -> object:
    """A training that has done ``rounds`` more, or all."""
    one = train.Training(*channels, {**train.HYPERPARAMETERS, **SMALL, **more}, folder)
    one.resume()
    while not one.done and rounds != 0:
        one.step()
        rounds = rounds - 1 if rounds else None
    return one


def content(training: object) -> bytes:
    """The model, as bytes."""
    return bytes(training.result().save_raw("json"))  # type: ignore[attr-defined]


def test_the_same_rows_give_the_same_model(train: ModuleType, channels: tuple[object, object]) -> None:
    # WHEN a model is trained twice THEN its bytes are the same
    assert content(trained(train, channels, None)) == content(trained(train, channels, None))


@pytest.mark.parametrize("ended_after", [5, 7, 12])
def test_a_resumed_training_ends_at_the_same_model(
    train: ModuleType, channels: tuple[object, object], tmp_path: Path, ended_after: int
) -> None:
    # GIVEN a process that ended after some rounds, between checkpoints or at one
    trained(train, channels, tmp_path, rounds=ended_after)
    # WHEN another one goes on from its checkpoint
    resumed = train.Training(*channels, {**train.HYPERPARAMETERS, **SMALL}, tmp_path)
    assert resumed.resume() == ended_after - ended_after % 5
    # THEN it ends where an uninterrupted one ends
    whole = trained(train, channels, None)
    again = trained(train, channels, tmp_path)
    assert content(again) == content(whole)
    assert again.history == whole.history  # type: ignore[attr-defined]


def test_early_stopping_survives_an_interruption(
    train: ModuleType, channels: tuple[object, object], tmp_path: Path
) -> None:
    # GIVEN a training that stops early, interrupted
    early = {"num_round": 150, "early_stopping_rounds": 3}
    trained(train, channels, tmp_path, rounds=6, **early)
    # WHEN it is resumed THEN it stops at the same round, with the same best one
    whole, again = trained(train, channels, None, **early), trained(train, channels, tmp_path, **early)
    assert len(whole.history) < 150  # type: ignore[attr-defined]
    assert (again.best, len(again.history)) == (whole.best, len(whole.history))  # type: ignore[attr-defined]
    assert again.result().num_boosted_rounds() == whole.best + 1  # type: ignore[attr-defined]


def test_a_checkpoint_of_another_training_is_refused(
    train: ModuleType, channels: tuple[object, object], tmp_path: Path
) -> None:
    # GIVEN a checkpoint
    trained(train, channels, tmp_path, rounds=5)
    # WHEN it meets other hyperparameters, or is damaged, THEN the message says so
    with pytest.raises(SystemExit, match="other hyperparameters or other rows"):
        trained(train, channels, tmp_path, eta=0.3)
    (tmp_path / train.CHECKPOINT_FILE).write_text("{half")
    with pytest.raises(SystemExit, match="cannot be read"):
        trained(train, channels, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "No CSV file"),
        ("early,a\n0,1\n", "the first column must be 'late'"),
        ("late,a\n0,1,2\n", "a.csv, line 2: 3 values; the header has 2 columns"),
        ("late,a\n0,1\n1,often\n", "a.csv, line 3: column a holds 'often'"),
        ("late,a\n2,1\n", "the label late is '2'"),
        ("late,a\n", "a header and no rows"),
    ],
)
def test_bad_rows_are_told_with_their_place(train: ModuleType, tmp_path: Path, text: str, message: str) -> None:
    # GIVEN a channel with a fault
    if text:
        (tmp_path / "a.csv").write_text(text)
    # WHEN it is read THEN the message names the fault and its place
    with pytest.raises(SystemExit) as told:
        train.Channel(tmp_path)
    assert message in str(told.value)


def test_auc_and_loss_are_those_of_an_independent_library(train: ModuleType) -> None:
    # GIVEN scores with ties
    generator = np.random.default_rng(3)
    scores = generator.integers(1, 20, 400) / 20
    late = generator.random(400) < scores
    # THEN both agree with scikit-learn
    assert train.auc(scores, late) == pytest.approx(roc_auc_score(late, scores), abs=1e-12)
    assert train.logloss(scores, late) == pytest.approx(log_loss(late, scores), abs=1e-9)


def test_the_program_writes_what_the_job_uploads(lab_folder: Path, tmp_path: Path) -> None:
    # GIVEN the command line that the container would use
    places = {name: tmp_path / name for name in ("model-dir", "output-data-dir", "checkpoint-dir")}
    places["checkpoint-dir"].mkdir()
    command = [sys.executable, str(lab_folder / "src" / "code" / "train.py"), "--num_round", "6"]
    for name in ("train", "validation", "holdout"):
        command += [f"--{name}", str(lab_folder / "data" / f"{name}.csv")]
    for name, place in places.items():
        command += [f"--{name}", str(place)]
    # WHEN it runs
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # THEN model, learning curve, evaluation and checkpoint are there
    assert (places["model-dir"] / "xgboost-model.json").stat().st_size > 1000
    history = json.loads((places["output-data-dir"] / "history.json").read_text())
    assert len(history["rounds"]) == 6
    evaluation = json.loads((places["output-data-dir"] / "evaluation.json").read_text())
    assert 0.5 < evaluation["auc"] < 1
    assert (places["checkpoint-dir"] / "checkpoint.json").exists()
    # AND the lines have the form that metric definitions match
    assert "validation-auc:0." in told
    assert "holdout-auc:0." in told
