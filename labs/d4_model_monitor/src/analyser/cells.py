"""Rows of comma-separated text become a matrix of numbers; what is not a number is kept apart, never lost."""

from __future__ import annotations

import csv
import math
import warnings
from dataclasses import dataclass, field

import numpy as np

from analyser.sketch import Floats

MISSING = frozenset(("", "nan", "null", "none", "na", "n/a"))
FEW = 32  # rows that are read cell by cell rather than halved again


@dataclass(eq=False)
class Table:
    """Numbers by row and column, NaN where a cell is empty or a text; `words` holds the texts by place."""

    numbers: Floats
    words: dict[tuple[int, int], str] = field(default_factory=dict)

    def column(self, place: int) -> tuple[Floats, list[str]]:
        return self.numbers[:, place], [word for (_, column), word in self.words.items() if column == place]


def table(rows: list[str], width: int) -> Table:
    """Read rows of exactly `width` cells each.

    All rows are read at once. Only when that fails are they halved, until the few around an odd cell are read one by
    one; so one odd cell does not slow down the thousands beside it.
    """
    read = _at_once(rows, width)
    if read is not None:
        return Table(read)
    if len(rows) <= FEW:
        return _one_by_one(rows, width)
    half = len(rows) // 2
    first, second = table(rows[:half], width), table(rows[half:], width)
    words = first.words | {(row + half, column): word for (row, column), word in second.words.items()}
    return Table(np.concatenate([first.numbers, second.numbers]), words)


def split(row: str) -> list[str]:
    """Give the cells of one row; quotes are honoured."""
    return next(csv.reader([row]), []) if '"' in row else row.split(",")


def cell(text: str) -> float | str:
    """Give a number, NaN for a missing value, or the text itself."""
    stripped = text.strip()
    if stripped.lower() in MISSING:
        return math.nan
    try:
        return float(stripped)
    except ValueError:
        return stripped


def _at_once(rows: list[str], width: int) -> Floats | None:
    if not rows:
        return np.zeros((0, width))
    text = ",".join(rows)
    if '"' in text or "\n" in text:
        return None
    if ",," in text:  # twice: a replacement takes a comma that the next one needs
        text = text.replace(",,", ",nan,").replace(",,", ",nan,")
    text = f"{'nan' if text.startswith(',') else ''}{text}{'nan' if text.endswith(',') else ''}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # older NumPy only warns of what it cannot read
            numbers = np.fromstring(text, sep=",", dtype=np.float64)
    except (ValueError, DeprecationWarning):
        return None
    return numbers.reshape(len(rows), width) if numbers.size == len(rows) * width else None


def _one_by_one(rows: list[str], width: int) -> Table:
    numbers = np.full((len(rows), width), np.nan)
    words: dict[tuple[int, int], str] = {}
    for number, row in enumerate(rows):
        for column, text in enumerate(split(row)):
            value = cell(text)
            if isinstance(value, str):
                words[number, column] = value
            else:
                numbers[number, column] = value
    return Table(numbers, words)
