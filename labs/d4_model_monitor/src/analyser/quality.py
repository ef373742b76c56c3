"""How good the predictions are, each measure with its 95 percent interval."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analyser import significance
from analyser.sketch import Floats, Integers, Sketch
from analyser.traffic import Outcomes

SOURCE = "docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html"
BETTER_WHEN_LOWER = ("log_loss", "brier_score", "false_positive_rate", "false_negative_rate")
REPETITIONS = 1000
POINTS = 101  # of a curve


def metrics(outcomes: Outcomes) -> dict[str, Any]:
    """Model Monitor's binary classification metrics, with log loss and Brier score besides.

    Source of the names and of the confusion matrix (true class, then predicted class): SOURCE.
    """
    cells = outcomes.cells.sum(axis=0)
    (tn, fp), (fn, tp) = ((int(cell) for cell in row) for row in cells)
    shares = {
        "accuracy": (tp + tn, tp + tn + fp + fn),
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "true_positive_rate": (tp, tp + fn),
        "true_negative_rate": (tn, tn + fp),
        "false_positive_rate": (fp, tn + fp),
        "false_negative_rate": (fn, tp + fn),
    }
    found: dict[str, Any] = {
        "confusion_matrix": {"0": {"0": tn, "1": fp}, "1": {"0": fn, "1": tp}},
        **{name: share(*counts) for name, counts in shares.items()},
    }
    for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0)):
        found[name] = f_score(cells, beta)
    found["auc"] = auc(*outcomes.scores)
    found["log_loss"] = average(outcomes.loss.count, outcomes.loss.mean, outcomes.loss.squares)
    found["brier_score"] = average(outcomes.brier.count, outcomes.brier.mean, outcomes.brier.squares)
    return found


def measure(value: float | None, error: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    """Give a value with its standard error, under Model Monitor's name for it, and its interval."""
    return {"value": value, "standard_deviation": error, "low": low, "high": high}


def share(successes: int, trials: int) -> dict[str, Any]:
    """A share of counts with Wilson's interval; undefined (null) without trials."""
    if not trials:
        return measure(None, None, None, None)
    value = successes / trials
    return measure(value, math.sqrt(value * (1 - value) / trials), *significance.wilson(successes, trials))


def average(count: int, mean: float, squares: float) -> dict[str, Any]:
    """A mean with the interval of the central limit theorem.

    Log loss is the mean of -ln(probability given to what happened); the Brier score the mean squared difference of
    probability and outcome. Sources: Good, Journal of the Royal Statistical Society B 14 (1952), 107; Brier, Monthly
    Weather Review 78 (1950), 1.
    """
    if count < 2:
        return measure(mean if count else None, None, None, None)
    error = math.sqrt(squares / (count - 1) / count)
    return measure(mean, error, mean - significance.CONFIDENT * error, mean + significance.CONFIDENT * error)


def f_score(cells: Integers, beta: float) -> dict[str, Any]:
    """F measure: (1 + b**2) * tp / ((1 + b**2) * tp + b**2 * fn + fp), with a bootstrap standard error.

    Drawing the four cells of the confusion matrix anew from their shares is the same as drawing the rows anew, so the
    bootstrap needs no rows. Sources: van Rijsbergen, Information Retrieval, 1979, chapter 7; Efron, Annals of
    Statistics 7 (1979), 1.
    """

    def of(counts: Floats) -> Floats:
        weight = beta * beta
        tp, fp, fn = counts[..., 3], counts[..., 1], counts[..., 2]
        whole = (1 + weight) * tp + weight * fn + fp
        return np.divide((1 + weight) * tp, whole, out=np.zeros_like(whole), where=whole > 0)

    flat = cells.reshape(-1).astype(np.float64)
    if not flat[1:].sum():
        return measure(None, None, None, None)
    value = float(of(flat))
    draws = np.random.default_rng(7).multinomial(int(flat.sum()), flat / flat.sum(), REPETITIONS).astype(np.float64)
    error = float(of(draws).std(ddof=1))
    margin = significance.CONFIDENT * error
    return measure(value, error, max(0.0, value - margin), min(1.0, value + margin))


def auc(negatives: Sketch, positives: Sketch) -> dict[str, Any]:
    """Area under the ROC curve: the probability that a positive scores above a negative, ties counting half.

    Exact while every score has a bucket of its own; otherwise off by at most `bound`. Source of value and standard
    error: Hanley and McNeil, Radiology 143 (1982), 29.
    """
    shift = max(negatives.shift, positives.shift)
    (below, minus), (above, plus) = negatives.at(shift), positives.at(shift)
    n, m = int(minus.sum()), int(plus.sum())
    if not n or not m:
        return measure(None, None, None, None) | {"bound": None}
    smaller = np.concatenate([[0], np.cumsum(minus)])
    left, right = smaller[np.searchsorted(below, above)], smaller[np.searchsorted(below, above, side="right")]
    ties = right - left
    value = float(np.sum(plus * (left + ties / 2)) / n / m)
    bound = float(np.sum(plus * ties) / n / m / 2) if shift else 0.0
    q1, q2 = value / (2 - value), 2 * value * value / (1 + value)
    variance = value * (1 - value) + (m - 1) * (q1 - value * value) + (n - 1) * (q2 - value * value)
    error = math.sqrt(max(0.0, variance) / n / m)
    margin = significance.CONFIDENT * error
    return measure(value, error, max(0.0, value - margin), min(1.0, value + margin)) | {"bound": bound}


def curves(negatives: Sketch, positives: Sketch) -> dict[str, list[float]]:
    """Points of the ROC and of the precision-recall curve, at most POINTS, for people to look at."""
    shift = max(negatives.shift, positives.shift)
    (below, minus), (above, plus) = negatives.at(shift), positives.at(shift)
    keys = np.union1d(below, above)[::-1]
    if not keys.size or not minus.sum() or not plus.sum():
        return {"false_positive_rate": [], "true_positive_rate": [], "precision": []}
    fp, tp = np.zeros(len(keys)), np.zeros(len(keys))
    fp[np.searchsorted(-keys, -below)] = minus
    tp[np.searchsorted(-keys, -above)] = plus
    fp, tp = np.cumsum(fp), np.cumsum(tp)
    pick = np.unique(np.linspace(0, len(keys) - 1, min(POINTS, len(keys))).astype(int))
    return {
        "false_positive_rate": (fp[pick] / fp[-1]).tolist(),
        "true_positive_rate": (tp[pick] / tp[-1]).tolist(),
        "precision": (tp[pick] / (tp[pick] + fp[pick])).tolist(),
    }
