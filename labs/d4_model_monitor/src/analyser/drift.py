"""How far two distributions lie apart, from their summaries alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analyser import significance
from analyser.sketch import Integers, Sketch

ROBUST = 1.8  # Deequ's c(alpha) for alpha = 0.003


def psi(baseline: Integers, current: Integers) -> dict[str, Any]:
    """Population stability index: sum of (q - p) * ln(q / p) over the baseline's bins.

    Half an observation is added to every bin, so that an empty one counts as rare, not as infinitely different.
    Source: Siddiqi, Credit Risk Scorecards, Wiley 2006. That (1/n + 1/m) times chi-squared with one degree of freedom
    less than bins is what chance alone gives: Yurdakul and Naranjo, Journal of Risk Model Validation 14 (2020).
    """
    first, second, bins = int(baseline.sum()), int(current.sum()), len(baseline)
    if not first or not second:
        return {"value": None, "p_value": None}
    p = (baseline + 0.5) / (first + 0.5 * bins)
    q = (current + 0.5) / (second + 0.5 * bins)
    value = float(np.sum((q - p) * np.log(q / p)))
    return {"value": value, "p_value": significance.chi_squared(value / (1 / first + 1 / second), bins - 1)}


def kolmogorov_smirnov(baseline: Sketch, current: Sketch) -> dict[str, Any]:
    """Kolmogorov-Smirnov distance: the largest difference of the two distribution functions, at the buckets' edges.

    Exact while every value has a bucket of its own; otherwise the true distance is larger by at most `bound`, the
    largest share of one bucket. Source: Smirnov, Annals of Mathematical Statistics 19 (1948), 279.
    """
    shift = max(baseline.shift, current.shift)
    (mine, counts), (theirs, others) = baseline.at(shift), current.at(shift)
    first, second = int(counts.sum()), int(others.sum())
    if not first or not second:
        return {"value": None, "p_value": None, "bound": None}
    keys = np.union1d(mine, theirs)
    p, q = np.zeros(len(keys)), np.zeros(len(keys))
    p[np.searchsorted(keys, mine)] = counts / first
    q[np.searchsorted(keys, theirs)] = others / second
    value = float(np.max(np.abs(np.cumsum(p) - np.cumsum(q))))
    bound = float(max(p.max(), q.max())) if shift else 0.0
    return {"value": value, "p_value": significance.kolmogorov(value, first, second), "bound": bound}


def chi_squared(baseline: Integers, current: Integers) -> dict[str, Any]:
    """Pearson's chi-squared test that both samples have the same shares, and Cramer's V as the size of the difference.

    Without Yates' correction; categories that neither sample has are left out. Sources: Pearson, Philosophical
    Magazine 50 (1900), 157; Cramer, Mathematical Methods of Statistics, Princeton 1946, 282.
    """
    table = np.stack([baseline, current])[:, (baseline + current) > 0].astype(np.float64)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    freedom = table.shape[1] - 1
    if not rows.all() or freedom < 1:
        return {"value": 0.0 if rows.all() else None, "p_value": None, "degrees_of_freedom": freedom, "cramers_v": None}
    expected = np.outer(rows, columns) / rows.sum()
    value = float(np.sum((table - expected) ** 2 / expected))
    return {
        "value": value,
        "p_value": significance.chi_squared(value, freedom),
        "degrees_of_freedom": freedom,
        "cramers_v": math.sqrt(value / rows.sum()),  # two rows: min(rows, columns) - 1 is 1
    }


def largest_difference(baseline: Integers, current: Integers) -> float:
    """L-infinity distance of two lists of shares: what Deequ measures between categorical columns."""
    if not baseline.sum() or not current.sum():
        return 0.0
    return float(np.max(np.abs(baseline / baseline.sum() - current / current.sum())))


def robust(distance: float, first: int, second: int) -> float:
    """Take from a distance what chance may give it, as the comparison method Robust does.

    max(0, distance - 1.8 * sqrt((n + m) / (n * m))). Source: com.amazon.deequ.analyzers.Distance in Deequ 2, after
    Knuth, The Art of Computer Programming 2, section 3.3.1, equation 15.
    """
    if not first or not second:
        return 0.0
    return max(0.0, distance - ROBUST * math.sqrt((first + second) / (first * second)))
