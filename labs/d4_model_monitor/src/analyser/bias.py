"""Clarify's bias metrics of a facet, from eight counts: facet by label by prediction.

`a` is the favoured facet, `d` the other one; a label or prediction is positive when it is the one that is good for the
person. Definitions: docs.aws.amazon.com/sagemaker/latest/dg/clarify-measure-data-bias.html (before training) and
clarify-measure-post-training-bias.html (after training), with the conventions of the library smclarify: 0/0 is 0, and a
ratio over 0 is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from analyser import significance
from analyser.settings import Plan
from analyser.sketch import Floats, Integers
from analyser.traffic import FAVOURED, OTHERS

REPETITIONS = 500
NEUTRAL = {"DI": 1.0}  # what "no bias" is; 0 for all others

Counts = Floats  # [..., facet d or a, label, prediction], last two 0 = negative, 1 = positive


def ratio(above: Any, below: Any) -> Any:
    """Divide as smclarify does."""
    above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below == 0, np.where(above == 0, 0.0, np.sign(above) * np.inf), above / below)


def apart(first: Any, second: Any) -> Any:
    """Subtract; two infinite ratios do not differ."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(first) & (first == second), 0.0, np.subtract(first, second))


def facet_sizes(counts: Counts) -> tuple[Any, Any]:
    return counts[..., 0, :, :].sum(axis=(-1, -2)), counts[..., 1, :, :].sum(axis=(-1, -2))


def ci(counts: Counts) -> Any:
    """Class imbalance: (na - nd) / (na + nd). Source: clarify-bias-metric-class-imbalance.html."""
    d, a = facet_sizes(counts)
    return ratio(a - d, a + d)


def dpl(counts: Counts) -> Any:
    """Difference in proportions of labels: qa - qd. Source: clarify-data-bias-metric-true-label-imbalance.html."""
    d, a = facet_sizes(counts)
    return ratio(counts[..., 1, 1, :].sum(axis=-1), a) - ratio(counts[..., 0, 1, :].sum(axis=-1), d)


def labels(counts: Counts) -> tuple[Any, Any]:
    """Give the label's distribution in d and in a, the negative one first."""
    d, a = facet_sizes(counts)
    return ratio(counts[..., 0, :, :].sum(axis=-1), d[..., None]), ratio(
        counts[..., 1, :, :].sum(axis=-1), a[..., None]
    )


def divergence(p: Any, q: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log(p / q), 0.0).sum(axis=-1)


def kl(counts: Counts) -> Any:
    """Kullback-Leibler divergence of the labels: sum of Pa ln(Pa/Pd). Source: clarify-data-bias-metric-kl-divergence.html."""
    d, a = labels(counts)
    return divergence(a, d)


def js(counts: Counts) -> Any:
    """Jensen-Shannon divergence. Source: clarify-data-bias-metric-jensen-shannon-divergence.html."""
    d, a = labels(counts)
    return (divergence(a, (a + d) / 2) + divergence(d, (a + d) / 2)) / 2


def lp(counts: Counts) -> Any:
    """L2 norm of the difference of the label's distributions. Source: clarify-data-bias-metric-lp-norm.html."""
    d, a = labels(counts)
    return np.sqrt(np.square(a - d).sum(axis=-1))


def tvd(counts: Counts) -> Any:
    """Total variation distance. Source: clarify-data-bias-metric-total-variation-distance.html."""
    d, a = labels(counts)
    return np.abs(a - d).sum(axis=-1) / 2


def ks(counts: Counts) -> Any:
    """Largest difference of the label's shares. Source: clarify-data-bias-metric-kolmogorov-smirnov.html."""
    d, a = labels(counts)
    return np.abs(a - d).max(axis=-1)


def rates(counts: Counts) -> tuple[Any, Any]:
    d, a = facet_sizes(counts)
    return ratio(counts[..., 0, :, 1].sum(axis=-1), d), ratio(counts[..., 1, :, 1].sum(axis=-1), a)


def dppl(counts: Counts) -> Any:
    """Difference in positive proportions of predictions: qa - qd. Source: clarify-post-training-bias-metric-dppl.html."""
    d, a = rates(counts)
    return a - d


def di(counts: Counts) -> Any:
    """Disparate impact: qd / qa. Source: clarify-post-training-bias-metric-di.html."""
    return ratio(*rates(counts))


def ad(counts: Counts) -> Any:
    """Accuracy difference: accuracy of a - of d. Source: clarify-post-training-bias-metric-ad.html."""
    right = counts[..., 0, 0] + counts[..., 1, 1]
    d, a = facet_sizes(counts)
    return ratio(right[..., 1], a) - ratio(right[..., 0], d)


def _by_facet(above: Any, below: Any) -> Any:
    """Give the difference a - d of a ratio per facet."""
    parts = ratio(above, below)
    return apart(parts[..., 1], parts[..., 0])


def rd(counts: Counts) -> Any:
    """Recall difference: TPa/(TPa+FNa) - TPd/(TPd+FNd). Source: clarify-post-training-bias-metric-rd.html."""
    return _by_facet(counts[..., 1, 1], counts[..., 1, :].sum(axis=-1))


def sd(counts: Counts) -> Any:
    """Specificity difference: TNd/(TNd+FPd) - TNa/(TNa+FPa). Source: clarify-post-training-bias-metric-sd.html."""
    return 0.0 - _by_facet(counts[..., 0, 0], counts[..., 0, :].sum(axis=-1))


def dar(counts: Counts) -> Any:
    """Difference in acceptance rates: TPa/n'a1 - TPd/n'd1. Source: clarify-post-training-bias-metric-dar.html."""
    return _by_facet(counts[..., 1, 1], counts[..., :, 1].sum(axis=-1))


def drr(counts: Counts) -> Any:
    """Difference in rejection rates: TNd/n'd0 - TNa/n'a0. Source: clarify-post-training-bias-metric-drr.html."""
    return 0.0 - _by_facet(counts[..., 0, 0], counts[..., :, 0].sum(axis=-1))


def dca(counts: Counts) -> Any:
    """Difference in conditional acceptance: na1/n'a1 - nd1/n'd1. Source: clarify-post-training-bias-metric-dcacc.html."""
    return _by_facet(counts[..., 1, :].sum(axis=-1), counts[..., :, 1].sum(axis=-1))


def dcr(counts: Counts) -> Any:
    """Difference in conditional rejection: nd0/n'd0 - na0/n'a0. Source: clarify-post-training-bias-metric-dcr.html."""
    return 0.0 - _by_facet(counts[..., 0, :].sum(axis=-1), counts[..., :, 0].sum(axis=-1))


def te(counts: Counts) -> Any:
    """Treatment equality: FNd/FPd - FNa/FPa. Source: clarify-post-training-bias-metric-te.html."""
    return 0.0 - _by_facet(counts[..., 1, 0], counts[..., 0, 1])


def ge(counts: Counts) -> Any:
    """Generalized entropy, alpha = 2, of the benefits prediction - label + 1. Source: clarify-post-training-bias-metric-ge.html."""
    whole = counts.sum(axis=-3)
    rows = whole.sum(axis=(-1, -2))
    once, twice = whole[..., 0, 0] + whole[..., 1, 1], whole[..., 0, 1]
    mean = ratio(once + 2 * twice, rows)
    return ratio(ratio(once + 4 * twice, rows), np.square(mean)) / 2 - 0.5


BEFORE: dict[str, Callable[[Counts], Any]] = {
    **{"CI": ci, "DPL": dpl, "KL": kl, "JS": js, "LP": lp, "TVD": tvd, "KS": ks},
}
AFTER: dict[str, Callable[[Counts], Any]] = {
    **{"DPPL": dppl, "DI": di, "AD": ad, "RD": rd, "SD": sd, "DAR": dar, "DRR": drr},
    **{"DCA": dca, "DCR": dcr, "TE": te, "GE": ge},
}
UNLABELLED = ("CI", "DPPL", "DI")  # need no ground truth


def counted(cells: Integers, plan: Plan) -> Counts:
    """Turn counts by [facet, label, predicted] so that 1 means good for the person; drop rows of unknown facet."""
    known = cells[[OTHERS, FAVOURED]].astype(np.float64)
    good = plan.label_value if plan.facet is None or plan.facet.positive is None else plan.facet.positive
    return known if good == plan.label_value else known[:, ::-1, ::-1]


def metrics(counts: Counts, names: dict[str, Callable[[Counts], Any]]) -> dict[str, dict[str, float | None]]:
    """Give each metric with the 95 percent normal bootstrap interval; nothing if a facet has no rows.

    Source of the interval: Nigenda and others, Amazon SageMaker Model Monitor, arXiv 2111.13657 (2021), section on bias
    drift. Drawing the eight counts anew from their shares is the same as drawing the rows anew.
    """
    if not all(np.asarray(facet_sizes(counts)) > 0):
        return {}
    flat = counts.reshape(-1)
    draws = np.random.default_rng(7).multinomial(int(flat.sum()), flat / flat.sum(), REPETITIONS)
    found: dict[str, dict[str, float | None]] = {}
    for name, metric in names.items():
        value = float(metric(counts))
        repeated = metric(draws.reshape(REPETITIONS, *counts.shape).astype(np.float64))
        spread = float(np.std(repeated, ddof=1)) if np.all(np.isfinite(repeated)) else math.nan
        margin = significance.CONFIDENT * spread
        found[name] = {
            "value": value if math.isfinite(value) else None,
            "low": value - margin if math.isfinite(margin) else None,
            "high": value + margin if math.isfinite(margin) else None,
        }
    return found


def worse(name: str, current: dict[str, float | None], allowed: float) -> bool:
    """Say whether a metric is surely farther from "no bias" than allowed: its whole interval is.

    Clarify calls it a violation when the value is farther from zero than the baseline's
    (clarify-model-monitor-bias-drift-violations.html); the interval keeps chance from raising it.
    """
    low, high = current["low"], current["high"]
    if low is None or high is None:
        return False
    neutral = NEUTRAL.get(name, 0.0)
    return low - neutral > allowed or high - neutral < -allowed
