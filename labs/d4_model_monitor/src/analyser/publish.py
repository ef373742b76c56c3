"""Figures for CloudWatch and for plots, taken from a report."""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser import documents, quality
from analyser.baseline import WATCHED
from analyser.known import Baseline
from analyser.settings import Places, Plan
from analyser.traffic import Outcomes, Traffic

BARS = 20
GROUPS = {
    "feature_name": "data_quality",
    "comparison": "model_quality",
    "bias_drift_check": "bias",
    "feature_attribution_drift_check": "attribution",
}


def metrics(report: dict[str, Any], places: Places, plan: Plan) -> list[dict[str, Any]]:
    """Give metrics ready for PutMetricData, at most 1000 of which fit into one call.

    feature_non_null_* and feature_baseline_drift_* are Model Monitor's names
    (docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-cloudwatch.html), bias_metric_* Clarify's
    (clarify-model-monitor-bias-drift-cw.html); the others are the analyser's own. What is undefined is not published.
    """
    if not plan.emit_metrics:
        return []
    found: dict[str, tuple[float | None, str]] = {"rows": (report["capture"]["rows"], "Count")}
    found["malformed_lines"] = (report["capture"]["malformed_lines"], "Count")
    found["violations"] = (len(report["violations"]), "Count")
    groups = [group(violation) for violation in report["violations"]]
    for name in GROUPS.values():
        found[f"violations_{name}"] = (groups.count(name), "Count")
    features = {**report["features"], plan.score: report["prediction_drift"]}
    for name, compared in features.items() if report["capture"]["rows"] else ():
        if compared is not None:
            found[f"feature_non_null_{name}"] = (1 - compared["missing_rate"]["current"], "None")
            found[f"feature_baseline_drift_{name}"] = (compared["distance"][report["thresholds"]["method"]], "None")
            found[f"feature_psi_{name}"] = (compared["psi"]["value"], "None")
    if report["label_drift"]:
        found["label_rate"] = (report["label_drift"]["rate"]["current"], "None")
        found["label_psi"] = (report["label_drift"]["psi"]["value"], "None")
    if report["model_quality"]:
        found |= {name: (report["model_quality"]["current"][name]["value"], "None") for name in WATCHED}
    if report["bias"]:
        found |= {f"bias_metric_{name}": (value["value"], "None") for name, value in report["bias"]["current"].items()}
    if report["attribution_drift"]:
        found["attribution_ndcg"] = (report["attribution_drift"]["ndcg"], "None")
    dimensions = [{"Name": name, "Value": value} for name, value in places.dimensions]
    return [
        {"MetricName": name, "Dimensions": dimensions, "Value": float(value), "Unit": unit}
        for name, (value, unit) in found.items()
        if value is not None
    ]


def group(violation: dict[str, str]) -> str:
    """Say which monitor a violation belongs to."""
    if "feature_name" in violation:
        return GROUPS["feature_name"]
    return GROUPS.get(violation["constraint_check_type"], GROUPS["comparison"])


def plots(
    plan: Plan, baseline: Baseline, traffic: Traffic, outcomes: Outcomes, report: dict[str, Any]
) -> dict[str, Any]:
    """Give bars of baseline and current per column, shares of each, and the curves of the model's quality."""
    bars = []
    for column in [*traffic.columns, traffic.score]:
        feature = baseline.features.get(column.name)
        if feature is None:
            continue
        entry: dict[str, Any] = {"name": column.name}
        compared = report["features"].get(column.name) or report["prediction_drift"]
        entry["psi"] = compared["psi"]["value"] if compared else None
        if feature.categories is not None and column.binned is not None:
            known, total = np.array(list(feature.categories.values())), int(column.binned.sum()) + column.unknown
            entry |= {
                "categories": [*feature.categories, "(unknown)"],
                "baseline": [*(known / max(1, known.sum())).round(6).tolist(), 0.0],
                "current": (np.append(column.binned, column.unknown) / max(1, total)).round(6).tolist(),
            }
        else:
            values = feature.sketch.lower()
            low, high = (float(values[0]), float(values[-1])) if values.size else (0.0, 1.0)
            edges = np.linspace(low, high if high > low else low + 1, BARS + 1)
            entry |= {
                "edges": edges.tolist(),
                "baseline": documents.histogram(feature.sketch, edges),
                "current": documents.histogram(column.sketch, edges),
            }
        bars.append(entry)
    attributions = report["attribution_drift"] or {}
    return {
        "histograms": bars,
        "roc": quality.curves(*outcomes.scores),
        "attributions": {name: attributions.get(name) for name in ("baseline", "current")},
    }
