"""One probability per flight, in the order of the rows; a request that cannot be answered gets a 4xx and the reason.

The SageMaker XGBoost image calls model_fn once per worker, then input_fn, predict_fn and output_fn per request. It
wraps whatever these functions raise and answers 500, so a caller's mistake would count as a fault of the model and
raise the alarm for it. It passes a ready response through untouched: `refuse` makes one, predict_fn and output_fn hand
it on. Source: _transformer.py and _functions.py of aws/sagemaker-containers 2.8.6, the server inside the image.
"""

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost as xgb

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

CSV = "text/csv"
JSON = "application/json"
MISSING = ("", "nan", "null")

Rows = list[list[float]]


class RefusedError(Exception):
    """A request that the model cannot answer: the HTTP status and what the caller must change."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def model_fn(model_dir: str) -> xgb.Booster:
    """Load the model file of the artefact; SageMaker unpacks the artefact into `model_dir`."""
    booster = xgb.Booster(model_file=str(Path(model_dir) / "xgboost-model.json"))
    booster.set_param({"nthread": 1})
    return booster


def input_fn(body: str | bytes, content_type: str) -> "Rows | Response":
    """Read rows of numbers from CSV without a header or from {"rows": [[...]]}; a missing value is empty or null."""
    try:
        text = body if isinstance(body, str) else bytes(body).decode()
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type == CSV:
            rows: list[list[Any]] = list(csv.reader(io.StringIO(text.strip())))
        elif media_type == JSON:
            rows = rows_of(text)
        else:
            raise RefusedError(415, f"Content type {content_type!r} is not supported. Send {CSV} or {JSON}.")
        if not rows:
            raise RefusedError(400, "The request holds no row. Send at least one.")
        return [[number(cell, line, column) for column, cell in enumerate(row, 1)] for line, row in enumerate(rows, 1)]
    except UnicodeDecodeError:
        return refuse(RefusedError(400, "The request is not UTF-8 text."))
    except RefusedError as refused:
        return refuse(refused)


def predict_fn(rows: "Rows | Response", model: xgb.Booster) -> "np.ndarray | Response":
    """Give the probability of each row; every row must have exactly the features that the model was trained on."""
    if not isinstance(rows, list):
        return rows
    names = model.feature_names or []
    for line, row in enumerate(rows, 1):
        if len(row) != len(names):
            expected = f"{len(names)} are expected: {', '.join(names)}"
            return refuse(RefusedError(400, f"Row {line} has {len(row)} values; {expected}."))
    table = np.asarray(rows, dtype=np.float32)
    return model.predict(xgb.DMatrix(table, feature_names=names, nthread=1))


def output_fn(prediction: "np.ndarray | Response", accept: str) -> "tuple[str, str] | Response":
    """Write one probability per line as CSV, or {"predictions": [...]} as JSON."""
    if not isinstance(prediction, np.ndarray):
        return prediction
    values = [round(float(value), 6) for value in prediction]
    if accept == CSV:
        return "".join(f"{value:.6f}\n" for value in values), CSV
    if accept == JSON:
        return json.dumps({"predictions": values}), JSON
    return refuse(RefusedError(406, f"Accept {accept!r} is not supported. Ask for {CSV} or {JSON}."))


def rows_of(text: str) -> list[list[Any]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise RefusedError(400, f"The request is not JSON: {error}.") from None
    rows = document.get("rows") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise RefusedError(400, 'The JSON must be an object {"rows": [[...], ...]}: a list of lists of numbers.')
    return rows


def number(cell: object, line: int, column: int) -> float:
    if cell is None or str(cell).strip().lower() in MISSING:
        return math.nan
    try:
        value = float(str(cell)) if not isinstance(cell, bool) else math.inf
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise RefusedError(400, f"Row {line}, column {column}: {cell!r} is not a number.")
    return value


def refuse(refused: RefusedError) -> "Response":
    from werkzeug.wrappers import Response  # part of the image; a prediction alone needs only NumPy and XGBoost

    return Response(f"{refused}\n", status=refused.status, mimetype="text/plain")
