"""Every line of captured traffic becomes rows or is counted with the reason why not; no line stops the run.

The form of a line: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html. A request may
hold several rows; each is an observation of its own. The rows are CSV, or JSON as {"rows": [...]}, {"instances":
[...]} or a plain list, each row a list or an object with the features' names.
"""

from __future__ import annotations

import base64
import gc
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from analyser import canonical
from analyser.cells import Table, cell, split, table
from analyser.settings import Plan
from analyser.sketch import Floats

LINES = 16384  # read at a time; bounds the memory that raw lines and their parsed form need


@dataclass(eq=False)
class Chunk:
    """Some rows of traffic, each with its event, its position in the event and the model's score (NaN if none)."""

    table: Table
    events: list[str]
    positions: list[int]
    scores: Floats
    lines: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    extra: Counter[str] = field(default_factory=Counter)  # columns that the baseline does not know
    absent: Counter[str] = field(default_factory=Counter)  # columns that rows lack
    first: str = ""
    last: str = ""


class _Odd(Exception):
    """A line that cannot be used; its text is the reason under which it is counted."""


MALFORMED = frozenset(
    (
        "not JSON, or cut off",
        "not a capture record",
        "no endpointInput",
        "no event id",
        "no inference time",
        "data that cannot be decoded",
        "rows that are neither CSV nor JSON",
    )
)


def files(folder: Path) -> list[Path]:
    """Give all files below a folder (or the one file), in order of their path, which is the order of time."""
    if folder.is_file():
        return [folder]
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def lines(paths: Iterable[Path]) -> Iterator[bytes]:
    """Give the lines of files, one file open at a time."""
    for path in paths:
        with path.open("rb") as file:
            yield from file


def chunks(source: Iterable[bytes], plan: Plan) -> Iterator[Chunk]:
    """Read lines of captured traffic in bounded portions."""
    iterator = iter(source)
    while portion := list(islice(iterator, LINES)):
        yield read(portion, plan)


def documents(portion: list[bytes], reasons: Counter[str]) -> Iterator[dict[str, Any]]:
    """Parse lines of JSON: all at once, and one by one only if that fails."""
    full = [line for line in portion if line.strip()]
    collecting = gc.isenabled()
    gc.disable()  # thousands of small dictionaries, none of them in a cycle
    try:
        parsed = json.loads(b"[" + b",".join(full) + b"]")
        if len(parsed) != len(full):  # two broken lines can look whole when joined
            raise ValueError
    except (ValueError, RecursionError):
        parsed = []
        for line in full:
            try:
                parsed.append(json.loads(line))
            except (ValueError, RecursionError):
                reasons["not JSON, or cut off"] += 1
    finally:
        if collecting:
            gc.enable()
    yield from parsed


def read(portion: list[bytes], plan: Plan) -> Chunk:
    """Read one portion of lines."""
    plain = canonical.captured(portion)
    chunk = _plain(plain, plan) if plain is not None else None
    return chunk if chunk is not None else _any(portion, plan)


def _plain(captured: canonical.Captured, plan: Plan) -> Chunk | None:
    """Make a chunk of lines in SageMaker's own form; decline if a row is odd in any way."""
    rows, answers, events, times = captured
    commas = len(plan.features) - 1
    if any(row.count(",") != commas for row in rows) or ",".join(plan.features) in rows:
        return None
    lines, first, last = len(rows), min(times)[:19], max(times)[:19]
    reasons: Counter[str] = Counter()
    if first < plan.start or (plan.end and last >= plan.end):
        inside = [
            place for place, time in enumerate(times) if time[:19] >= plan.start and not time[:19] >= plan.end > ""
        ]
        rows, answers, events, times = ([part[place] for place in inside] for part in (rows, answers, events, times))
        reasons["outside the window"] = lines - len(inside)
        first, last = (min(times)[:19], max(times)[:19]) if times else ("", "")
    scores = table(answers, 1).numbers[:, 0] if all(answers) and "," not in "".join(answers) else None
    if scores is None:
        return None
    scores = np.where((scores >= 0) & (scores <= 1), scores, np.nan)
    read = table(rows, len(plan.features))
    return Chunk(read, events, [0] * len(rows), scores, lines=lines, reasons=reasons, first=first, last=last)


def _any(portion: list[bytes], plan: Plan) -> Chunk:
    rows: list[str] = []
    chunk = Chunk(Table(np.zeros((0, len(plan.features)))), [], [], np.zeros(0), lines=len(portion))
    scores: list[float] = []
    width = len(plan.features)
    commas = width - 1
    reasons = chunk.reasons
    for document in documents(portion, reasons):
        try:
            try:
                data = document["captureData"]
                given = data["endpointInput"]
                meta = document["eventMetadata"]
            except (KeyError, TypeError):
                raise _Odd(_missing(document)) from None
            time = meta.get("inferenceTime", "")[:19]
            if plan.start or plan.end:
                if not time:
                    raise _Odd("no inference time")
                if time < plan.start or (plan.end and time >= plan.end):
                    raise _Odd("outside the window")
            event = meta.get("inferenceId") or meta.get("eventId")
            if not event:
                raise _Odd("no event id")
            text = _text(given)
            output = data.get("endpointOutput")
            answers = _text(output).strip() if output else ""
            if given.get("observedContentType", "text/csv")[:8] == "text/csv" and "\n" not in text.strip():
                found = [text.strip("\r\n")]
            else:
                found = _rows(text, given, plan, chunk)
            several = "\n" in answers or "," in answers or answers.startswith(("[", "{"))
            values = _scores(answers) if several else [_score(answers)]
        except _Odd as odd:
            reasons[str(odd)] += 1
            continue
        except (ValueError, TypeError, AttributeError):
            reasons["not a capture record"] += 1
            continue
        if time:
            chunk.first = time if not chunk.first else min(chunk.first, time)
            chunk.last = max(chunk.last, time)
        for position, row in enumerate(found):
            if row.count(",") != commas and not _fits(row, plan, reasons):
                continue
            rows.append(row)
            chunk.events.append(str(event))
            chunk.positions.append(position)
            scores.append(values[position] if position < len(values) else np.nan)
    if ",".join(plan.features) in rows:
        rows, scores = _without_header(rows, scores, chunk, plan)
    chunk.table = table(rows, width)
    chunk.scores = np.array(scores, dtype=np.float64)
    return chunk


def _missing(document: Any) -> str:
    if not isinstance(document, dict) or not isinstance(document.get("captureData"), dict):
        return "not a capture record"
    return "no endpointInput" if "endpointInput" not in document["captureData"] else "no event id"


def _text(part: dict[str, Any]) -> str:
    data = part["data"]
    if part.get("encoding") == "BASE64":
        try:
            return base64.b64decode(data, validate=True).decode()
        except ValueError:
            raise _Odd("data that cannot be decoded") from None
    return data if isinstance(data, str) else json.dumps(data)


def _rows(text: str, part: dict[str, Any], plan: Plan, chunk: Chunk) -> list[str]:
    """Give the rows of a request as CSV lines in the order of the features."""
    if str(part.get("observedContentType", "")).startswith("application/json") or part.get("encoding") == "JSON":
        try:
            body = json.loads(text)
        except ValueError:
            raise _Odd("rows that are neither CSV nor JSON") from None
        found = (body.get("rows") or body.get("instances") or [body]) if isinstance(body, dict) else body
        if not isinstance(found, list) or not found:
            raise _Odd("rows that are neither CSV nor JSON")
        found = [found] if not isinstance(found[0], list | dict) else found
        return [_json_row(row, plan, chunk) for row in found]
    return [row.strip("\r") for row in text.split("\n") if row.strip("\r")]


def _json_row(row: Any, plan: Plan, chunk: Chunk) -> str:
    if isinstance(row, dict):
        named = row.get("features", row)
        if isinstance(named, dict):
            known = set(plan.features)
            chunk.extra.update(name for name in named if name not in known)
            chunk.absent.update(name for name in plan.features if name not in named)
            named = [named.get(name) for name in plan.features]
        row = named
    cells = ["" if value is None else str(value) for value in row]
    return ",".join('"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text for text in cells)


def _fits(row: str, plan: Plan, reasons: Counter[str]) -> bool:
    """Say whether a row with an unexpected number of commas has the right number of cells all the same."""
    found = len(split(row))
    if found != len(plan.features):
        reasons["fewer values than features" if found < len(plan.features) else "more values than features"] += 1
    return found == len(plan.features)


def _without_header(rows: list[str], scores: list[float], chunk: Chunk, plan: Plan) -> tuple[list[str], list[float]]:
    header = ",".join(plan.features)
    keep = [place for place, row in enumerate(rows) if row != header]
    chunk.reasons["header rows"] += len(rows) - len(keep)
    chunk.events = [chunk.events[place] for place in keep]
    chunk.positions = [chunk.positions[place] for place in keep]
    return [rows[place] for place in keep], [scores[place] for place in keep]


def _scores(text: str) -> list[float]:
    """Give one score per row from CSV, {"predictions": [...]} or a list."""
    if text[:1] in "[{":
        body = json.loads(text)
        found = (body.get("predictions") or body.get("scores") or []) if isinstance(body, dict) else body
        return [_score(str(value.get("score", "") if isinstance(value, dict) else value)) for value in found]
    return [_score(value) for line in text.split("\n") for value in line.split(",")]


def _score(text: str) -> float:
    value = cell(text)
    return value if isinstance(value, float) and 0 <= value <= 1 else np.nan
