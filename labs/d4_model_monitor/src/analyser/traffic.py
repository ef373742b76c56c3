"""Everything that is remembered of the rows that pass: it merges, and it does not grow with their number."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analyser.capture import Chunk
from analyser.columns import Bins, Column
from analyser.settings import Plan
from analyser.sketch import Floats, Integers, Sketch

OTHERS, FAVOURED, UNKNOWN = 0, 1, 2  # facets, as positions in the tables below
SCORES = 1 << 16  # scores kept apart for AUC


def facets(chunk: Chunk, plan: Plan) -> NDArray[np.int8]:
    """Give the facet of each row: favoured, others, or unknown where the cell is empty."""
    found = np.full(len(chunk.events), UNKNOWN, dtype=np.int8)
    if plan.facet is not None:
        place = plan.features.index(plan.facet.column)
        cells = chunk.table.numbers[:, place]
        numbers = [value for value in plan.facet.favoured if not isinstance(value, str)]
        found[~np.isnan(cells)] = OTHERS
        found[np.isin(cells, numbers)] = FAVOURED
        for (row, column), word in chunk.table.words.items():
            if column == place:
                found[row] = FAVOURED if word in plan.facet.favoured else OTHERS
    return found


@dataclass(eq=False)
class Sample:
    """The `size` rows whose events have the smallest hashes: a random choice that any order of rows repeats."""

    size: int
    ranks: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    rows: Floats | None = None

    def add(self, chunk: Chunk) -> None:
        if not self.size or not chunk.events:
            return
        names = zip(chunk.events, chunk.positions, strict=True)
        ranks = np.array([zlib.crc32(f"{event} {position}".encode()) for event, position in names], dtype=np.int64)
        self._keep(ranks, chunk.table.numbers)

    def merge(self, other: Sample) -> None:
        if other.rows is not None:
            self._keep(other.ranks, other.rows)

    def _keep(self, ranks: Integers, rows: Floats) -> None:
        if len(self.ranks) == self.size:
            better = ranks <= self.ranks[-1]
            ranks, rows = ranks[better], rows[better]
        if self.rows is not None:
            ranks, rows = np.concatenate([self.ranks, ranks]), np.concatenate([self.rows, rows])
        order = np.lexsort((*rows.T[::-1], ranks))[: self.size]  # equal hashes are told apart by what the row holds
        self.ranks, self.rows = ranks[order], rows[order]


@dataclass(eq=False)
class Traffic:
    """The captured rows: columns, scores, facets by prediction, and a count for every line that gave no row."""

    plan: Plan
    columns: list[Column]
    score: Column
    lines: int = 0
    rows: int = 0
    unscored: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    extra: Counter[str] = field(default_factory=Counter)
    absent: Counter[str] = field(default_factory=Counter)
    first: str = ""
    last: str = ""
    sample: Sample = field(default_factory=lambda: Sample(0))
    predictions: Integers = field(default_factory=lambda: np.zeros((3, 2), dtype=np.int64))  # facet, predicted

    @classmethod
    def start(cls, plan: Plan, bins: dict[str, Bins], *, sample: int) -> Traffic:
        """Begin with nothing seen."""
        columns = [Column(name, bins.get(name)) for name in plan.features]
        return cls(plan, columns, Column(plan.score, bins.get(plan.score)), sample=Sample(sample))

    def add(self, chunk: Chunk) -> NDArray[np.int8]:
        """Count one chunk; give the facet of each of its rows."""
        self.lines += chunk.lines
        self.reasons.update(chunk.reasons)
        self.extra.update(chunk.extra)
        self.absent.update(chunk.absent)
        groups = facets(chunk, self.plan)
        if not chunk.events:
            return groups
        self.rows += len(chunk.events)
        self._times(chunk.first, chunk.last)
        for place, column in enumerate(self.columns):
            column.add(*chunk.table.column(place))
        scored = ~np.isnan(chunk.scores)
        self.unscored += int(np.count_nonzero(~scored))
        self.score.add(chunk.scores, [])
        predicted = (chunk.scores[scored] >= self.plan.threshold).astype(np.int64)
        self.predictions += np.bincount(groups[scored] * 2 + predicted, minlength=6).reshape(3, 2)
        self.sample.add(chunk)
        return groups

    def merge(self, other: Traffic) -> Traffic:
        """Take in another part of the same traffic."""
        for mine, theirs in zip([*self.columns, self.score], [*other.columns, other.score], strict=True):
            mine.merge(theirs)
        for name in ("lines", "rows", "unscored"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine_, theirs_ in ((self.reasons, other.reasons), (self.extra, other.extra), (self.absent, other.absent)):
            mine_.update(theirs_)
        self._times(other.first, other.last)
        self.predictions = self.predictions + other.predictions
        self.sample.merge(other.sample)
        return self

    def _times(self, first: str, last: str) -> None:
        if first:
            self.first = min(self.first, first) if self.first else first
        self.last = max(self.last, last)


@dataclass(eq=False)
class Outcomes:
    """Scores together with what really happened."""

    threshold: float
    cells: Integers = field(default_factory=lambda: np.zeros((3, 2, 2), dtype=np.int64))  # facet, label, predicted
    scores: tuple[Sketch, Sketch] = field(default_factory=lambda: (Sketch(SCORES), Sketch(SCORES)))  # by label
    loss: Column = field(default_factory=lambda: Column("log loss"))
    brier: Column = field(default_factory=lambda: Column("Brier score"))
    seen: Counter[str] = field(default_factory=Counter)

    def add(self, scores: Floats, labels: NDArray[np.int8], groups: NDArray[np.int8], seen: Counter[str]) -> None:
        """Count rows that have both a score and a label (1: the label that the score stands for)."""
        self.seen.update(seen)
        if not len(scores):
            return
        predicted = (scores >= self.threshold).astype(np.int64)
        place = groups.astype(np.int64) * 4 + labels.astype(np.int64) * 2 + predicted
        self.cells += np.bincount(place, minlength=12).reshape(3, 2, 2)
        for value in (0, 1):
            self.scores[value].add(scores[labels == value])
        tiny = np.finfo(np.float64).eps  # as scikit-learn clips: a score of 0 or 1 that is wrong costs 36, not infinity
        given = np.clip(np.where(labels == 1, scores, 1 - scores), tiny, 1.0)
        self.loss.moments(*moments(-np.log(given)))
        self.brier.moments(*moments(np.square(scores - labels)))

    def merge(self, other: Outcomes) -> Outcomes:
        """Take in the outcomes of other rows."""
        self.cells = self.cells + other.cells
        for mine, theirs in zip(self.scores, other.scores, strict=True):
            mine.merge(theirs)
        self.loss.merge(other.loss)
        self.brier.merge(other.brier)
        self.seen.update(other.seen)
        return self

    def rows(self) -> int:
        return int(self.cells.sum())


def moments(values: Floats) -> tuple[int, float, float, float, float]:
    mean = float(values.mean())
    return values.size, mean, float(np.square(values - mean).sum()), float(values.min()), float(values.max())
