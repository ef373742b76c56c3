"""The analyser's numbers are those of SciPy, scikit-learn and smclarify on the same rows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats
import sklearn.metrics

from tests.labs.d4_model_monitor.test_analyser import Job, Row, booster, features, flights, matrix, scores, season

from analyser import attribution, drift, quality, significance  # isort: skip  # found once test_analyser is imported
from analyser.sketch import Sketch  # isort: skip

# What smclarify 0.5 gives for the holdout rows: facet origin other than 1, good outcome late == 0, and the score
# departure_minute / 1440, rounded to six digits, below 0.5.
SMCLARIFY = {
    "CI": -0.384,
    "DPL": 0.016196231514150616,
    "KL": 0.0007680614868402838,
    "JS": 0.00019373564613139709,
    "LP": 0.02290493026664631,
    "TVD": 0.016196231514150602,
    "KS": 0.016196231514150616,
    "DPPL": -0.1149500788229112,
    "DI": 1.3890618052467762,
    "AD": -0.09852863899106673,
    "RD": -0.13395610098604882,
    "SD": -0.06038306451612907,
    "DAR": 0.0058814425011608495,
    "DRR": 0.04742703533026116,
    "DCA": 0.7904736108961459,
    "DCR": 0.08497108520827684,
    "TE": -6.88131313131313,
    "GE": 0.47495720391343305,
}


@pytest.fixture(scope="module")
def winter() -> list[Row]:
    return season(flights("train"), 1, 2, 3)


@pytest.fixture(scope="module")
def summer() -> list[Row]:
    return season(flights("validation") + flights("holdout"), 6, 7)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, winter: list[Row], summer: list[Row]) -> dict[str, Any]:
    job = Job(tmp_path_factory.mktemp("oracles"))
    job.baseline(winter)
    job.serve(summer)
    assert job.run() == 0
    found: dict[str, Any] = job.read("report")
    return found


def column(rows: list[Row], name: str) -> np.ndarray:
    values = matrix(rows)[:, features().index(name)]
    return values[~np.isnan(values)]


def test_kolmogorov_smirnov_is_scipys(report: dict[str, Any], winter: list[Row], summer: list[Row]) -> None:
    compared = [name for name in features() if not report["features"][name]["categorical"]]
    assert len(compared) == 13
    for name in compared:
        found, first, second = (
            report["features"][name]["kolmogorov_smirnov"],
            column(winter, name),
            column(summer, name),
        )
        assert found["value"] == pytest.approx(scipy.stats.ks_2samp(first, second).statistic, abs=1e-12), name
        x = found["value"] * math.sqrt(len(first) * len(second) / (len(first) + len(second)))
        assert found["p_value"] == pytest.approx(scipy.special.kolmogorov(x), rel=1e-9, abs=1e-15), name
        assert found["bound"] == 0, name


def test_chi_squared_of_categories_is_scipys(report: dict[str, Any], winter: list[Row], summer: list[Row]) -> None:
    for name in ("carrier", "origin", "destination"):
        first, second = column(winter, name), column(summer, name)
        known = np.unique(first)
        counts = [[np.count_nonzero(values == value) for value in known] for values in (first, second)]
        strange = np.count_nonzero(~np.isin(second, known))
        table = np.array([[*counts[0], 0], [*counts[1], strange]])
        expected = scipy.stats.chi2_contingency(table[:, table.sum(axis=0) > 0], correction=False)
        found = report["features"][name]["chi_squared"]
        assert found["value"] == pytest.approx(expected.statistic, rel=1e-12), name
        assert found["p_value"] == pytest.approx(expected.pvalue, rel=1e-9), name
        assert found["degrees_of_freedom"] == expected.dof, name
        assert found["cramers_v"] == pytest.approx(scipy.stats.contingency.association(table[:, table.sum(axis=0) > 0]))
        assert report["features"][name]["unknown"] == strange, name


def test_population_stability_index_is_its_formula_on_the_raw_values(
    report: dict[str, Any], winter: list[Row], summer: list[Row]
) -> None:
    for name in ("temp", "distance", "precip"):
        first, second = np.sort(column(winter, name)), column(summer, name)
        deciles = np.quantile(first, np.arange(1, 10) / 10, method="inverted_cdf")
        edges = np.unique([first[first > decile].min() for decile in deciles if (first > decile).any()])
        p = np.bincount(np.searchsorted(edges, first, side="right"), minlength=len(edges) + 1) + 0.5
        q = np.bincount(np.searchsorted(edges, second, side="right"), minlength=len(edges) + 1) + 0.5
        p, q = p / p.sum(), q / q.sum()
        found = report["features"][name]["psi"]
        assert found["value"] == pytest.approx(np.sum((q - p) * np.log(q / p)), rel=1e-12), name
        scaled = found["value"] / (1 / len(first) + 1 / len(second))
        assert found["p_value"] == pytest.approx(scipy.stats.chi2.sf(scaled, len(edges)), rel=1e-9), name


def test_the_robust_distance_is_deequs() -> None:
    """Deequ's own test of Distance expects 0 below and the difference above 1.8 * sqrt((n + m) / (n * m))."""
    assert drift.robust(0.5, 100, 100) == pytest.approx(0.5 - 1.8 * math.sqrt(200 / 10000))
    assert drift.robust(0.2, 100, 100) == 0


def test_model_quality_is_scikit_learns(report: dict[str, Any], summer: list[Row]) -> None:
    truth = np.array([int(row["late"]) for row in summer])
    given = np.array(scores(summer))
    predicted = (given >= 0.5).astype(int)
    expected = {
        "accuracy": sklearn.metrics.accuracy_score(truth, predicted),
        "precision": sklearn.metrics.precision_score(truth, predicted),
        "recall": sklearn.metrics.recall_score(truth, predicted),
        "f1": sklearn.metrics.f1_score(truth, predicted),
        "f0_5": sklearn.metrics.fbeta_score(truth, predicted, beta=0.5),
        "f2": sklearn.metrics.fbeta_score(truth, predicted, beta=2),
        "auc": sklearn.metrics.roc_auc_score(truth, given),
        "log_loss": sklearn.metrics.log_loss(truth, given),
        "brier_score": sklearn.metrics.brier_score_loss(truth, given),
    }
    found = report["model_quality"]["current"]
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value, rel=1e-12), name
        assert found[name]["low"] <= value <= found[name]["high"], name
    matrix_of = sklearn.metrics.confusion_matrix(truth, predicted)
    assert [[found["confusion_matrix"][t][p] for p in "01"] for t in "01"] == matrix_of.tolist()
    assert sum(map(sum, matrix_of)) == len(summer)


@pytest.mark.parametrize(("first", "second"), [(20, 200), (200, 20)])
def test_the_standard_error_of_auc_is_that_of_many_samples(first: int, second: int) -> None:
    """By simulation with normal scores; Hanley and McNeil assume others, so it is near, not equal."""
    generator = np.random.default_rng(3)
    found = []
    for _ in range(300):
        negatives, positives = Sketch(), Sketch()
        negatives.add(generator.normal(0, 1, first))
        positives.add(generator.normal(1, 1, second))
        found.append(quality.auc(negatives, positives))
    real = np.std([entry["value"] for entry in found])
    stated = np.mean([entry["standard_deviation"] for entry in found])
    assert 0.7 < stated / real < 1.3
    assert np.mean([entry["value"] for entry in found]) == pytest.approx(
        scipy.stats.norm.cdf(1 / math.sqrt(2)), abs=0.01
    )


def test_bias_metrics_are_smclarifys(tmp_path: Path) -> None:
    # GIVEN the holdout flights with a score that anybody can compute
    rows = flights("holdout")
    job = Job(tmp_path, thresholds={"bias": {"DI": 0.02, "DPPL": 0.3}})
    job.baseline(rows)
    answers = [round(int(row["departure_minute"]) / 1440, 6) for row in rows]
    job.serve(rows, answers)
    # WHEN they are compared with a limit that DI exceeds and one that DPPL keeps
    assert job.run() == 0
    report = job.read("report")
    # THEN every metric has smclarify's value, inside its interval
    current = report["bias"]["current"]
    assert set(current) == set(SMCLARIFY)
    for name, value in SMCLARIFY.items():
        assert current[name]["value"] == pytest.approx(value, rel=1e-12), name
        assert current[name]["low"] <= value <= current[name]["high"], name
    # AND DI is a violation and DPPL is not; so is AD, which is farther from zero than the baseline's, below it
    bad = {
        entry["metric_name"] for entry in report["violations"] if entry["constraint_check_type"] == "bias_drift_check"
    }
    assert {"DI", "AD"} <= bad
    assert current["AD"]["value"] < 0
    assert "DPPL" not in bad


def test_the_bootstrap_interval_of_dppl_is_that_of_two_shares() -> None:
    """DPPL is a difference of two proportions, whose standard error is known."""
    from analyser import bias

    counts = np.array([[[30.0, 70.0], [0, 0]], [[120.0, 80.0], [0, 0]]])
    found = bias.metrics(counts, {"DPPL": bias.dppl})["DPPL"]
    error = math.sqrt(0.7 * 0.3 / 100 + 0.4 * 0.6 / 200)
    assert found["value"] == pytest.approx(0.4 - 0.7)
    assert (found["high"] or 0) - (found["value"] or 0) == pytest.approx(1.96 * error, rel=0.1)


def test_attributions_are_the_models_shap_values_and_their_order_is_scored_by_ndcg(
    report: dict[str, Any], summer: list[Row]
) -> None:
    import xgboost

    table = xgboost.DMatrix(matrix(summer).astype(np.float32), feature_names=features())
    shares = np.abs(booster().predict(table, pred_contribs=True)[:, :-1]).mean(axis=0)
    found = report["attribution_drift"]
    assert found["rows"] == len(summer)
    assert [found["current"][name] for name in features()] == pytest.approx(shares, rel=1e-5)
    before = [found["baseline"][name] for name in features()]
    after = [found["current"][name] for name in features()]
    assert found["ndcg"] == pytest.approx(sklearn.metrics.ndcg_score([before], [after]), rel=1e-12)


def test_a_reversed_order_of_attributions_is_a_low_ndcg() -> None:
    before = {"a": 1.0, "b": 0.1, "c": 0.0}
    assert attribution.ndcg(before, before) == 1
    turned = attribution.ndcg(before, {"a": 0.0, "b": 0.1, "c": 1.0})
    assert turned == pytest.approx(sklearn.metrics.ndcg_score([[1, 0.1, 0]], [[0, 0.1, 1]]))
    assert turned < 0.9


@pytest.mark.parametrize("freedom", [1, 2, 7, 30, 400])
def test_chi_squared_probabilities_are_scipys(freedom: int) -> None:
    for statistic in (1e-6, 0.1, 1, freedom / 2, freedom, 2.0 * freedom, 5.0 * freedom + 10):
        expected = scipy.stats.chi2.sf(statistic, freedom)
        assert significance.chi_squared(statistic, freedom) == pytest.approx(expected, rel=1e-9, abs=1e-14)


def test_kolmogorov_probabilities_are_scipys() -> None:
    for x in np.linspace(0.01, 6, 300):
        assert significance.kolmogorov(x / math.sqrt(50), 100, 100) == pytest.approx(
            scipy.special.kolmogorov(x), rel=1e-9, abs=1e-13
        )


def test_wilsons_interval_is_scipys() -> None:
    for successes, trials in ((0, 10), (1, 10), (7, 19), (500, 1000), (1000, 1000)):
        expected = scipy.stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
        assert significance.wilson(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)
