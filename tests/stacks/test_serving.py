"""The inference code answers what it can and tells what it cannot, in the manner of the image's server."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import xgboost as xgb

from labkit.catalogue import ROOT

WIDTH = 16


@pytest.fixture(scope="module")
def lab_folder() -> Path:
    """A lab that serves with this code."""
    return ROOT / "labs" / "d3_realtime_endpoint"


@pytest.fixture(scope="module")
def inference() -> ModuleType:
    """The code, loaded as the image does: by path."""
    spec = importlib.util.spec_from_file_location(
        "inference", ROOT / "stacks" / "patterns" / "serving" / "inference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def served(inference: ModuleType, lab_folder: Path) -> Any:
    return inference.model_fn(str(lab_folder / "src" / "model_v1"))


@pytest.fixture(scope="module")
def ask(inference: ModuleType, served: Any) -> Callable[..., Any]:
    """One request through the three functions, as the server of the image calls them."""

    def ask(body: str | bytes, content_type: str, accept: str = "application/json") -> Any:
        return inference.output_fn(inference.predict_fn(inference.input_fn(body, content_type), served), accept)

    return ask


@pytest.fixture(scope="module")
def flights(lab_folder: Path) -> list[list[str]]:
    with (lab_folder / "data" / "holdout.csv").open(newline="") as file:
        return [line[1:] for line in list(csv.reader(file))[1:41]]


def as_csv(rows: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


def test_predictions_are_those_of_the_model_file(
    ask: Callable[..., Any], flights: list[list[str]], lab_folder: Path
) -> None:
    booster = xgb.Booster(model_file=lab_folder / "src" / "model_v1" / "xgboost-model.json")
    table = [[float(cell or "nan") for cell in row] for row in flights]
    expected = booster.predict(xgb.DMatrix(table, feature_names=booster.feature_names))
    body, kind = ask(as_csv(flights), "text/csv")
    assert kind == "application/json"
    assert json.loads(body)["predictions"] == pytest.approx(expected.tolist(), abs=1e-6)


def test_csv_and_json_get_the_same_answer(ask: Callable[..., Any], flights: list[list[str]]) -> None:
    rows = [[float(cell) if cell else None for cell in row] for row in flights]
    assert ask(json.dumps({"rows": rows}), "application/json") == ask(as_csv(flights), "text/csv")


def test_text_and_bytes_get_the_same_answer(ask: Callable[..., Any], flights: list[list[str]]) -> None:
    text = as_csv(flights)
    assert ask(text.encode(), "text/csv; charset=utf-8") == ask(text, "text/csv")


def test_answers_as_csv_have_one_line_per_row(ask: Callable[..., Any], flights: list[list[str]]) -> None:
    body, kind = ask(as_csv(flights), "text/csv", "text/csv")
    in_json, _ = ask(as_csv(flights), "text/csv", "application/json")
    assert kind == "text/csv"
    assert [float(line) for line in io.StringIO(body)] == json.loads(in_json)["predictions"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        ("1,2,3", "text/csv", 400, "Row 1 has 3 values; 16 are expected: month, weekday"),
        ("1," * WIDTH, "text/csv", 400, "Row 1 has 17 values"),
        (",".join("0" * WIDTH) + "\n1,2", "text/csv", 400, "Row 2 has 2 values"),
        ("1,two", "text/csv", 400, "Row 1, column 2: 'two' is not a number."),
        ("1,inf", "text/csv", 400, "Row 1, column 2: 'inf' is not a number."),
        ("", "text/csv", 400, "The request holds no row."),
        ('{"rows": []}', "application/json", 400, "The request holds no row."),
        ('{"rows": [[true]]}', "application/json", 400, "Row 1, column 1: True is not a number."),
        ('{"rows": [1, 2]}', "application/json", 400, "a list of lists of numbers"),
        ("[[1, 2]]", "application/json", 400, "must be an object"),
        ("{", "application/json", 400, "The request is not JSON"),
        (b"\xff\xfe", "text/csv; charset=utf-16", 400, "The request is not UTF-8 text."),
        ("1,2", "image/png", 415, "Content type 'image/png' is not supported. Send text/csv or application/json."),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_with_the_reason(
    ask: Callable[..., Any], body: str | bytes, content_type: str, status: int, reason: str
) -> None:
    refused = ask(body, content_type)
    assert refused.status_code == status
    assert reason in refused.get_data(as_text=True)
    assert refused.mimetype == "text/plain"


def test_an_unknown_accept_type_is_refused(ask: Callable[..., Any], flights: list[list[str]]) -> None:
    refused = ask(as_csv(flights), "text/csv", "image/png")
    assert refused.status_code == 406
    assert "Ask for text/csv or application/json." in refused.get_data(as_text=True)
