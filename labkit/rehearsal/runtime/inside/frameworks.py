"""What SageMaker's script-mode containers do where the user's module has no function of its own.

Rests on the public source of the XGBoost and scikit-learn framework containers: a function of the user always wins; an
error in any of them is a 500 of the web server, whose text never holds the user's message (that is in the log).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

JSON, CSV, NPY, ANY = "application/json", "text/csv", "application/x-npy", "*/*"
AS_TEXT = (JSON, CSV)
_WITH_CHARSET = ("application/xml", "application/javascript", "application/sql")

Functions = tuple[Callable[..., Any], Callable[..., Any]]


@dataclass
class Answer:
    """What the web server of the container sends back."""

    body: bytes
    content_type: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def functions(module: ModuleType, framework: str) -> Functions:
    """``model_fn(folder)`` and ``transform(model, content, content_type, accept)``, the user's or the container's.

    Raises:
        ValueError: ``transform_fn`` beside a function that it replaces; the container refuses to start.
    """
    own = {name: getattr(module, name, None) for name in ("input_fn", "predict_fn", "output_fn")}
    model_fn = getattr(module, "model_fn", _no_model_fn)
    if transform_fn := getattr(module, "transform_fn", None):
        if any(own.values()):
            raise ValueError("Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn")
        return model_fn, transform_fn
    read, predict = (_read_xgboost, _predict_xgboost) if framework == "xgboost" else (_read_array, _predict)
    input_fn, predict_fn, output_fn = own["input_fn"] or read, own["predict_fn"] or predict, own["output_fn"] or _write

    def transform(model: Any, content: Any, content_type: str, accept: str) -> Any:
        return output_fn(predict_fn(input_fn(content, content_type), model), accept)

    return model_fn, transform


def answer(result: Any) -> Answer:
    """The HTTP answer that the container's web server makes of what the last function returned."""
    if isinstance(result, tuple):
        return Answer(_bytes(result[0]), _with_charset(str(result[1])))
    if hasattr(result, "get_data") and hasattr(result, "status_code"):
        headers = {name: value for name, value in result.headers.items() if name.lower().startswith("x-amzn-")}
        return Answer(result.get_data(), result.content_type, result.status_code, headers)
    if isinstance(result, Answer):
        return result
    if isinstance(result, dict | list):
        return Answer(json.dumps(result).encode() + b"\n", JSON)
    return Answer(_bytes(result), "text/html; charset=utf-8")


def server_error() -> Answer:
    """The page of the container's web server for any exception in the user's code."""
    page = (
        "<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n<h1>Internal Server Error</h1>\n"
        "<p>The server encountered an internal error and was unable to complete your request. "
        "Either the server is overloaded or there is an error in the application.</p>\n"
    )
    return Answer(page.encode(), "text/html; charset=utf-8", 500)


def _bytes(content: Any) -> bytes:
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes | bytearray):
        return bytes(content)
    if isinstance(content, Iterable):
        return b"".join(part.encode() if isinstance(part, str) else bytes(part) for part in content)
    raise TypeError(f"the response must be str or bytes, not {type(content).__name__}")


def _with_charset(mimetype: str) -> str:
    textual = mimetype.startswith("text/") or mimetype in _WITH_CHARSET or mimetype.endswith("+xml")
    return f"{mimetype}; charset=utf-8" if textual and "charset" not in mimetype else mimetype


def _no_model_fn(folder: str) -> Any:
    raise NotImplementedError("Please provide a model_fn implementation.")


def _unsupported(content_type: str) -> TypeError:
    return TypeError(f"Content type {content_type} is not supported by this framework.")


def _read_array(content: Any, content_type: str) -> Any:
    import numpy as np

    if content_type == JSON:
        return np.array(json.loads(content), dtype=np.float32)
    if content_type == CSV:
        return np.array(list(csv.reader(io.StringIO(content)))).squeeze().astype(np.float32)
    if content_type == NPY:
        return np.load(io.BytesIO(content), allow_pickle=False)
    raise _unsupported(content_type)


def _read_xgboost(content: Any, content_type: str) -> Any:
    import numpy as np
    import xgboost

    kind = content_type.partition(";")[0].strip()
    text = content.decode() if isinstance(content, bytes) else content
    if kind == CSV:
        first = text.split("\n")[0][:512]
        delimiter = csv.Sniffer().sniff(first).delimiter
        delimiter = "," if delimiter.isalnum() else delimiter
        rows = [["nan" if cell == "" else cell for cell in line.split(delimiter)] for line in text.split("\n")]
        return xgboost.DMatrix(np.array(rows).astype(float))
    if kind in ("text/libsvm", "text/x-libsvm"):
        pairs = [[cell.split(":", 1) for cell in line.split() if ":" in cell] for line in text.strip().split("\n")]
        sparse = [{int(index): float(value) for index, value in row} for row in pairs]
        offset = 1 if min(index for row in sparse for index in row) >= 1 else 0
        dense = np.zeros((len(sparse), max(index for row in sparse for index in row) - offset + 1))
        for number, row in enumerate(sparse):
            for index, value in row.items():
                dense[number, index - offset] = value
        return xgboost.DMatrix(dense)
    raise _unsupported(kind)


def _predict_xgboost(data: Any, model: Any) -> Any:
    return model.predict(data, validate_features=False)


def _predict(data: Any, model: Any) -> Any:
    return model.predict(data)


def _write(prediction: Any, accept: str) -> Any:
    import numpy as np

    if accept == JSON:
        return json.dumps(prediction, default=lambda value: value.tolist()), JSON
    if accept == CSV:
        rows = np.array(prediction)
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows.reshape(-1, 1) if rows.ndim == 1 else rows)
        return out.getvalue(), CSV
    if accept == NPY:
        buffer = io.BytesIO()
        np.save(buffer, prediction)
        return buffer.getvalue(), NPY
    raise _unsupported(accept)
