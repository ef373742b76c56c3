"""The model files are what train.py makes of the data; the two bad ones are bad in the way that the lab tells."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xgboost as xgb

SERVING = Path(__file__).resolve().parents[3] / "stacks" / "patterns" / "serving" / "inference.py"


@pytest.fixture(scope="module")
def train(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("src/train.py")


@pytest.fixture(scope="module")
def serving() -> ModuleType:
    """The code that serves every version."""
    spec = importlib.util.spec_from_file_location("serving", SERVING)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def holdout(train: ModuleType, lab_folder: Path) -> xgb.DMatrix:
    return train.read(lab_folder / "data" / "holdout.csv", 1)


def model(folder: Path, version: int) -> xgb.Booster:
    return xgb.Booster(model_file=folder / "src" / f"model_v{version}" / "xgboost-model.json")


def brier(booster: xgb.Booster, data: xgb.DMatrix) -> float:
    return float(((booster.predict(data) - data.get_label()) ** 2).mean())


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_training_again_gives_the_model_that_is_shipped(
    train: ModuleType, holdout: xgb.DMatrix, lab_folder: Path, version: int
) -> None:
    shipped, again = model(lab_folder, version), train.train(version)
    # Sums of floats may differ in the last digits from one processor to the next.
    np.testing.assert_allclose(again.predict(holdout), shipped.predict(holdout), atol=1e-4)
    assert shipped.attr("version") == str(version)
    assert (lab_folder / "src" / f"model_v{version}" / "xgboost-model.json").stat().st_size < 120_000


def test_good_versions_stay_below_the_alarm_and_the_wrong_one_far_above(holdout: xgb.DMatrix, lab_folder: Path) -> None:
    # GIVEN the alarm on quality, and a canary of one of three instances
    worst = float((lab_folder / "stack.py").read_text().split("WORST_BRIER = ")[1].split()[0])
    good = [brier(model(lab_folder, version), holdout) for version in (1, 2)]
    wrong = brier(model(lab_folder, 4), holdout)
    # THEN the good ones are far below it, and the mixture with the wrong one is far above
    assert max(good) < worst - 0.05
    assert good[0] * 2 / 3 + wrong / 3 > worst + 0.05


def test_answers_tell_the_versions_apart(holdout: xgb.DMatrix, lab_folder: Path) -> None:
    scores = [model(lab_folder, version).predict(holdout) for version in (1, 2, 4)]
    for n, one in enumerate(scores):
        for other in scores[n + 1 :]:
            assert np.abs(one - other).reshape(-1, 5).max(axis=1).min() > 1e-3


def test_version_3_loads_and_answers_no_request(serving: ModuleType, lab_folder: Path) -> None:
    # GIVEN the file that passes the health check
    booster = serving.model_fn(str(lab_folder / "src" / "model_v3"))
    assert booster.feature_names == model(lab_folder, 1).feature_names
    # WHEN it is asked for one flight
    rows = serving.input_fn(",".join(["1"] * 16), "text/csv")
    # THEN it gives three numbers instead of one, and the serving code raises, which the container answers with 500
    prediction = serving.predict_fn(rows, booster)
    assert prediction.shape == (1, 3)
    with pytest.raises(TypeError):
        serving.output_fn(prediction, "text/csv")
