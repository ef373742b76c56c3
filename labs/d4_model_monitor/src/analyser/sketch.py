"""A summary of any number of values in at most `limit` buckets; the order of the values never changes it.

A bucket is a range of neighbouring floating-point numbers: all that agree in their leading bits. While there are at
most `limit` different values every value has a bucket of its own and the summary is exact. When there are more, one
more trailing bit is dropped until they fit, for all buckets at once. How many bits go depends only on the set of
values, so parts summarised apart and merged in any order give the same buckets and the same counts.

Related: relative-error histograms, Masson, Rim and Lee, DDSketch, VLDB 2019. A distribution function read at the edge
of a bucket is exact; between edges it is off by at most the share of that bucket.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MAGNITUDE = np.int64(0x7FFF_FFFF_FFFF_FFFF)
LIMIT = 4096


def empty() -> Integers:
    return np.zeros(0, dtype=np.int64)


@dataclass(eq=False)
class Sketch:
    """Counts of values by bucket, buckets in ascending order."""

    limit: int = LIMIT
    shift: int = 0  # trailing bits dropped
    keys: Integers = field(default_factory=empty)
    counts: Integers = field(default_factory=empty)

    def add(self, values: Floats, counts: Integers | None = None) -> None:
        """Count finite values."""
        if values.size:
            keys = ordered(values) >> self.shift
            weights = np.ones(keys.size, dtype=np.int64) if counts is None else counts
            self._combine(keys, weights)

    def merge(self, other: Sketch) -> None:
        """Take in what another sketch has counted."""
        shift = max(self.shift, other.shift)
        self._coarsen(shift)
        self._combine(other.keys >> (shift - other.shift), other.counts)

    def at(self, shift: int) -> tuple[Integers, Integers]:
        """Give keys and counts with at least `shift` trailing bits dropped."""
        return grouped(self.keys >> (shift - self.shift), self.counts)

    def total(self) -> int:
        return int(self.counts.sum())

    def count(self, value: float) -> int:
        """Give the count of the bucket that holds a value."""
        key = ordered(np.array([value])) >> self.shift
        return int(self.counts[self.keys == key].sum())

    def lower(self) -> Floats:
        """Give the smallest number of each bucket."""
        return number(self.keys << self.shift)

    def middle(self) -> Floats:
        """Give a number inside each bucket: the value itself while the sketch is exact."""
        return self.lower() if self.shift == 0 else number((self.keys << self.shift) + (1 << (self.shift - 1)))

    def cuts(self, parts: int) -> Floats:
        """Give the edges that cut the values into at most `parts` parts as equal as whole buckets allow."""
        if self.keys.size < 2:
            return np.zeros(0)
        reached = np.cumsum(self.counts)
        wanted = np.arange(1, parts) * (self.total() / parts)
        after = np.searchsorted(reached, wanted) + 1
        return np.unique(self.lower()[after[after < self.keys.size]])

    def below(self, edges: Floats) -> Integers:
        """Count by the intervals between edges; exact for edges that `cuts` gave."""
        place = np.searchsorted(edges, self.middle(), side="right")
        return np.bincount(place, weights=self.counts, minlength=len(edges) + 1).astype(np.int64)

    def _combine(self, keys: Integers, counts: Integers) -> None:
        keys, counts = grouped(keys, counts)
        if self.keys.size:
            keys, counts = grouped(np.concatenate([self.keys, keys]), np.concatenate([self.counts, counts]))
        self.keys, self.counts = keys, counts
        self._coarsen(self.shift)

    def _coarsen(self, shift: int) -> None:
        drop = shift - self.shift
        if distinct(self.keys, drop) > self.limit:
            low, high = drop, 64 - self.shift
            while low < high:  # the fewest bits that make the buckets fit
                probe = (low + high) // 2
                low, high = (low, probe) if distinct(self.keys, probe) <= self.limit else (probe + 1, high)
            drop = low
        if drop:
            self.keys, self.counts = grouped(self.keys >> drop, self.counts)
            self.shift += drop


def ordered(values: Floats) -> Integers:
    """Map numbers to integers in the same order: the bits of a double, with those of negatives turned round."""
    bits = (values + 0.0).view(np.int64)  # adding zero makes -0.0 the same as 0.0
    return np.where(bits < 0, bits ^ MAGNITUDE, bits)


def number(keys: Integers) -> Floats:
    """Undo `ordered`."""
    return np.where(keys < 0, keys ^ MAGNITUDE, keys).view(np.float64)


def distinct(keys: Integers, drop: int) -> int:
    return int(np.count_nonzero(np.diff(keys >> min(drop, 63)))) + 1 if keys.size else 0


def grouped(keys: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Sort keys and add up the counts of equal ones."""
    if keys.size < 2:
        return keys, counts
    if np.any(keys[1:] < keys[:-1]):
        order = np.argsort(keys, kind="stable")
        keys, counts = keys[order], counts[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(keys)) + 1])
    return keys[starts], np.add.reduceat(counts, starts)
