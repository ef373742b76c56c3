"""The drift is real: clean winter days pass, the summer violates every monitor, and the model is reproducible."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from tests.labs.d4_model_monitor.conftest import LAB

FILES = {"train": 4000, "baseline": 3000, "winter": 1000, "summer": 1000, "autumn": 1000}


def table(name: str) -> tuple[list[str], list[list[str]]]:
    with (LAB / "data" / f"{name}.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


def watched(calibrate: ModuleType, folder: Path, name: str) -> dict[str, Any]:
    header, known = table("baseline")
    report: dict[str, Any] = calibrate.compare(header, table(name)[1], known, folder)
    return report


@pytest.mark.parametrize(("name", "rows"), FILES.items())
def test_files_hold_flights_of_one_season(name: str, rows: int) -> None:
    header, found = table(name)
    months = {"summer": {"6", "7"}, "autumn": {"9", "10"}}.get(name, {"1", "2", "3"})
    assert len(found) == rows
    assert {row[header.index("month")] for row in found} == months
    assert {row[0] for row in found} == {"0", "1"}


def test_no_flight_stands_in_two_files() -> None:
    seen = [{tuple(row[1:]) for row in table(name)[1]} for name in ("train", "baseline", "winter")]
    assert seen[0] & seen[1] == seen[0] & seen[2] == seen[1] & seen[2] == set()


def test_training_again_gives_the_model_that_is_served() -> None:
    spec = importlib.util.spec_from_file_location("d4_train", LAB / "src" / "train.py")
    assert spec is not None
    assert spec.loader is not None
    train = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(train)
    rows = train.read(LAB / "data" / "baseline.csv")
    again = train.train(train.read(LAB / "data" / "train.csv"))
    served = xgb.Booster(model_file=LAB / "src" / "model" / "xgboost-model.json")
    np.testing.assert_allclose(again.predict(rows), served.predict(rows), atol=1e-4)


def test_clean_winter_days_raise_nothing(calibrate: ModuleType, tmp_path: Path) -> None:
    assert watched(calibrate, tmp_path, "winter")["violations"] == []


def test_the_summer_violates_every_monitor(calibrate: ModuleType, tmp_path: Path) -> None:
    report = watched(calibrate, tmp_path, "summer")
    found = {(v.get("feature_name") or v["metric_name"], v["constraint_check_type"]) for v in report["violations"]}
    assert {
        ("temp", "baseline_drift_check"),
        ("late", "baseline_drift_check"),
        ("accuracy", "LessThanThreshold"),
        ("log_loss", "GreaterThanThreshold"),
        ("AD", "bias_drift_check"),
        ("shap", "feature_attribution_drift_check"),
    } <= found
    # A model that still ranks: what AUC alone would have missed.
    assert not [v for v in report["violations"] if v.get("metric_name") == "auc"]


def test_the_autumn_drifts_without_worse_predictions(calibrate: ModuleType, tmp_path: Path) -> None:
    violations = watched(calibrate, tmp_path, "autumn")["violations"]
    names = {v.get("feature_name") or v["metric_name"] for v in violations}
    assert "temp" in names
    assert not {"accuracy", "log_loss", "brier_score"} & names


def test_calibration_compares_days_not_flights(calibrate: ModuleType) -> None:
    header, days = calibrate.days(LAB / "data" / "baseline.csv")
    month, weekday = header.index("month"), header.index("weekday")
    assert 25 <= len(days) <= 31
    assert all(len({(row[month], row[weekday]) for row in day}) == 1 for day in days)
