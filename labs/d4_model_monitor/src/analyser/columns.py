"""One column of rows, summarised while they pass: what is missing, of which type, and how it is distributed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from analyser.sketch import Floats, Integers, Sketch

WORDS = 1000  # different texts that are kept apart in one column
SHOWN = 10  # names of unknown categories that a message shows


@dataclass(frozen=True, kw_only=True, eq=False)
class Bins:
    """How the baseline divides a column: at `edges` if it is a quantity, or into known `values` and `words`."""

    edges: Floats | None = None
    values: Floats | None = None  # categories that are numbers, ascending
    words: tuple[str, ...] = ()  # categories that are texts


@dataclass(eq=False)
class Column:
    """Counts and moments of one column. Merging parts gives what one pass over all rows gives."""

    name: str
    bins: Bins | None = None
    missing: int = 0
    infinite: int = 0
    text: int = 0  # cells that are no number
    fractional: int = 0
    negative: int = 0
    count: int = 0  # finite numbers
    mean: float = 0.0
    squares: float = 0.0  # sum of squared differences from the mean
    low: float = np.inf
    high: float = -np.inf
    sketch: Sketch = field(default_factory=Sketch)
    words: Counter[str] = field(default_factory=Counter)
    crowded: bool = False  # more different texts than are kept apart
    binned: Integers | None = None  # by interval, or by known category
    unknown: int = 0
    strangers: tuple[str, ...] = ()  # unknown categories, the first in alphabetical order

    def __post_init__(self) -> None:
        if self.bins is not None and self.binned is None:
            self.binned = np.zeros(len(self.names()) or len(self._edges()) + 1, dtype=np.int64)

    @property
    def present(self) -> int:
        return self.count + self.text + self.infinite

    def names(self) -> list[str]:
        """Give the known categories as texts, numbers first."""
        if self.bins is None or self.bins.edges is not None:
            return []
        return [label(value) for value in (self.bins.values if self.bins.values is not None else ())] + list(
            self.bins.words
        )

    def add(self, cells: Floats, words: list[str]) -> None:
        """Count one chunk: `cells` holds NaN where a cell is empty or a text, `words` holds the texts."""
        absent = int(np.count_nonzero(np.isnan(cells)))
        self.missing += absent - len(words)
        values = cells[~np.isnan(cells)] if absent else cells
        finite = np.isfinite(values)
        if not finite.all():
            self.infinite += int(values.size - np.count_nonzero(finite))
            values = values[finite]
        self.text += len(words)
        if values.size:
            self._numbers(values)
        if words:
            self._words(Counter(words))

    def merge(self, other: Column) -> None:
        """Take in the same column of other rows."""
        for name in ("missing", "infinite", "text", "fractional", "negative", "unknown"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.moments(other.count, other.mean, other.squares, other.low, other.high)
        self.sketch.merge(other.sketch)
        if self.binned is not None and other.binned is not None:
            self.binned = self.binned + other.binned
        self._keep(other.words)
        self.crowded |= other.crowded
        self._strange(other.strangers)

    def deviation(self) -> float:
        """Give the standard deviation of the numbers seen, over n as Model Monitor's Deequ computes it."""
        return float(np.sqrt(self.squares / self.count)) if self.count else 0.0

    def categories(self) -> dict[str, int]:
        """Count each category seen: the texts, and the numbers if each has a bucket of its own."""
        numbers = dict(zip(map(label, self.sketch.lower()), map(int, self.sketch.counts), strict=True))
        return (numbers if self.sketch.shift == 0 else {}) | dict(sorted(self.words.items()))

    def countable(self) -> bool:
        """Say whether every category of the column could be kept apart."""
        return self.sketch.shift == 0 and not self.crowded

    def _numbers(self, values: Floats) -> None:
        mean = float(values.mean())
        squares = float(np.square(values - mean).sum())
        self.moments(values.size, mean, squares, float(values.min()), float(values.max()))
        self.fractional += int(np.count_nonzero(values != np.floor(values)))
        self.negative += int(np.count_nonzero(values < 0))
        self.sketch.add(values)
        if self.bins is None or self.binned is None:
            return
        if self.bins.edges is not None:
            place = np.searchsorted(self.bins.edges, values, side="right")
            self.binned += np.bincount(place, minlength=self.binned.size)
            return
        known = self.bins.values if self.bins.values is not None else np.zeros(0)
        place = np.searchsorted(known, values)
        found = place < known.size
        found[found] = known[place[found]] == values[found]
        self.binned += np.bincount(place[found], minlength=self.binned.size)
        if not found.all():
            self.unknown += int(values.size - np.count_nonzero(found))
            self._strange(tuple(map(label, np.unique(values[~found]))))

    def _words(self, words: Counter[str]) -> None:
        self._keep(words)
        if self.bins is None or self.binned is None or self.bins.edges is not None:
            return
        first = self.binned.size - len(self.bins.words)
        known = {word: first + place for place, word in enumerate(self.bins.words)}
        for word, times in words.items():
            if word in known:
                self.binned[known[word]] += times
            else:
                self.unknown += times
        self._strange(tuple(word for word in words if word not in known))

    def _keep(self, words: Counter[str]) -> None:
        self.words.update(words)
        if len(self.words) > WORDS:  # the smallest stay: which ones they are does not depend on the order of rows
            self.words = Counter({word: self.words[word] for word in sorted(self.words)[:WORDS]})
            self.crowded = True

    def _strange(self, names: tuple[str, ...]) -> None:
        self.strangers = tuple(sorted({*self.strangers, *names})[:SHOWN])

    def moments(self, count: int, mean: float, squares: float, low: float, high: float) -> None:
        """Combine means and squared differences: Chan, Golub and LeVeque, 1979, updating formulae for variances."""
        if not count:
            return
        total = self.count + count
        apart = mean - self.mean
        self.mean += apart * count / total
        self.squares += squares + apart * apart * self.count * count / total
        self.count, self.low, self.high = total, min(self.low, low), max(self.high, high)

    def _edges(self) -> Floats:
        return self.bins.edges if self.bins is not None and self.bins.edges is not None else np.zeros(0)


def label(value: float) -> str:
    """Write a category that is a number as people do: 3, not 3.0."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
