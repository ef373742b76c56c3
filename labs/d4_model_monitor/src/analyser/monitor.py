"""What has changed between the baseline and the traffic, and which changes are violations."""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser import attribution, bias, documents, drift, quality, significance
from analyser.attribution import Model
from analyser.baseline import bias_sections, values
from analyser.capture import MALFORMED
from analyser.columns import Column
from analyser.known import Baseline, Feature
from analyser.settings import Plan, Thresholds
from analyser.traffic import Outcomes, Traffic
from analyser.violations import Violation, capture_violations, column_violations, not_of_type, violation


def conclude(
    plan: Plan, baseline: Baseline, traffic: Traffic, outcomes: Outcomes, *, model: Model | None, labelled: bool
) -> dict[str, Any]:
    """Compare everything; the report names each violation once."""
    limits = baseline.thresholds(plan)
    names = [*plan.features, *([plan.score] if plan.score in baseline.features and traffic.score.present else [])]
    columns = {column.name: column for column in [*traffic.columns, traffic.score]}
    compared = {name: compare(columns[name], baseline.features[name]) for name in names}
    violations = capture_violations(traffic, limits)
    for name in names if traffic.rows else []:
        violations += column_violations(columns[name], baseline.features[name], compared[name], limits)
    report: dict[str, Any] = {
        "capture": capture(traffic),
        "thresholds": vars(limits),
        "features": {name: compared[name] for name in plan.features},
        "prediction_drift": compared.get(plan.score),
        "label_drift": None,
        "model_quality": None,
        "bias": None,
        "attribution_drift": None,
        "ground_truth": dict(sorted(outcomes.seen.items())),
        "notes": notes(plan, traffic, outcomes, baseline, model=model, labelled=labelled),
    }
    if outcomes.rows():
        report["label_drift"], more = label_drift(plan, baseline, outcomes, limits)
        violations += more
        report["model_quality"], more = model_quality(baseline, outcomes, limits)
        violations += more
    if plan.facet is not None and traffic.predictions[:2].sum(axis=1).all():
        report["bias"], more = bias_drift(plan, baseline, traffic, outcomes, limits)
        violations += more
    if model is not None and traffic.sample.rows is not None:
        report["attribution_drift"], more = attribution_drift(plan, baseline, traffic, model, limits)
        violations += more
    report["violations"] = violations
    report["status"] = "CompletedWithViolations" if violations else "Completed"
    return report


def capture(traffic: Traffic) -> dict[str, Any]:
    """Count what was read and what was not."""
    return {
        "lines": traffic.lines,
        "rows": traffic.rows,
        "rows_without_a_score": traffic.unscored,
        "first": traffic.first,
        "last": traffic.last,
        "malformed_lines": sum(count for reason, count in traffic.reasons.items() if reason in MALFORMED),
        "left_out": dict(sorted(traffic.reasons.items())),
    }


def notes(
    plan: Plan, traffic: Traffic, outcomes: Outcomes, baseline: Baseline, *, model: Model | None, labelled: bool
) -> list[str]:
    """Say in words what was not computed and why."""
    found = []
    if not traffic.rows:
        window = (
            f" between {plan.start or 'the beginning'} and {plan.end or 'the end'}" if plan.start or plan.end else ""
        )
        found.append(f"No row of traffic{window}: nothing was compared.")
    if not labelled:
        found.append("No ground truth: model quality, label drift and most bias metrics were not computed.")
    elif not outcomes.rows():
        found.append("No label belongs to a captured prediction yet: ground truth may arrive later.")
    if outcomes.rows() and "binary_classification_constraints" not in baseline.constraints:
        found.append("The baseline was made without a model: model quality has nothing to be compared with.")
    if model is None:
        found.append("No model: attribution drift was not computed.")
    elif "explanations" not in baseline.constraints:
        found.append("The baseline was made without a model: attributions have nothing to be compared with.")
    if traffic.unscored:
        found.append(f"{traffic.unscored} rows have no score between 0 and 1 in endpointOutput.")
    return found


def compare(column: Column, feature: Feature) -> dict[str, Any]:
    """Compare one column with its baseline."""
    rows = column.present + column.missing
    binned = column.binned if column.binned is not None else np.zeros(0, dtype=np.int64)
    before, after = feature.binned, binned
    if feature.categories is not None:  # a last bin for values the baseline does not know
        before, after = np.append(before, 0), np.append(after, column.unknown)
    first, second = int(before.sum()), int(after.sum())
    found: dict[str, Any] = {
        "type": feature.kind,
        "categorical": feature.categories is not None,
        "rows": rows,
        "missing_rate": {"baseline": 1 - feature.completeness, "current": column.missing / rows if rows else None},
        "not_of_type": not_of_type(column, feature),
        "infinite": column.infinite,
        "negative": column.negative,
        "unknown": column.unknown,
        "unknown_values": list(column.strangers),
        "mean": column.mean if column.count else None,
        "standard_deviation": column.deviation() if column.count else None,
        "psi": drift.psi(before, after) if len(before) == len(after) else {"value": None, "p_value": None},
        "chi_squared": drift.chi_squared(before, after),
        "kolmogorov_smirnov": None,
    }
    if feature.categories is None:
        found["kolmogorov_smirnov"] = drift.kolmogorov_smirnov(feature.sketch, column.sketch)
        distance = found["kolmogorov_smirnov"]["value"] or 0.0
        first, second = feature.sketch.total(), column.count
    else:
        distance = drift.largest_difference(before, after)
    found["distance"] = {"Simple": distance, "Robust": drift.robust(distance, first, second)}
    return found


def label_drift(
    plan: Plan, baseline: Baseline, outcomes: Outcomes, limits: Thresholds
) -> tuple[dict[str, Any] | None, list[Violation]]:
    """Compare how often the label occurs, with the chi-squared test and the population stability index of its shares."""
    feature = baseline.features.get(plan.label)
    if feature is None:
        return None, []
    positives = feature.sketch.count(plan.label_value)
    before = np.array([feature.sketch.total() - positives, positives], dtype=np.int64)
    after = outcomes.cells.sum(axis=(0, 2))
    rates = [int(counts[1]) / int(counts.sum()) if counts.sum() else None for counts in (before, after)]
    test = drift.chi_squared(before, after)
    report = {
        "rate": {
            "baseline": rates[0],
            "current": rates[1],
            "interval": significance.wilson(int(after[1]), int(after.sum())),
        },
        "chi_squared": test,
        "psi": drift.psi(before, after),
    }
    difference = (rates[1] or 0.0) - (rates[0] or 0.0)
    if rates[0] is not None and abs(difference) > limits.label and (test["p_value"] or 0.0) < 0.05:
        said = f"The rate of {plan.label} is {rates[1]:.1%}; in the baseline it was {rates[0]:.1%}."
        return report, [violation(plan.label, "baseline_drift_check", said)]
    return report, []


def model_quality(baseline: Baseline, outcomes: Outcomes, limits: Thresholds) -> tuple[dict[str, Any], list[Violation]]:
    """Compare each metric's interval with the constraint; it is a violation if the whole interval is on the wrong side.

    Source of the format: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html.
    """
    measured = quality.metrics(outcomes)
    constraints = baseline.constraints.get("binary_classification_constraints", {})
    violations: list[Violation] = []
    for name, constraint in constraints.items():
        if name not in measured:
            continue
        operator = constraint["comparison_operator"]
        limit = limits.quality.get(name, constraint["threshold"])
        low, high = measured[name]["low"], measured[name]["high"]
        if limit is None or low is None:
            continue
        if (operator == "LessThanThreshold" and high < limit) or (operator == "GreaterThanThreshold" and low > limit):
            value = measured[name]["value"]
            said = (
                f"Metric {name} with {value:.4f} (95% interval {low:.4f} to {high:.4f}) was {operator} '{limit:.4f}'."
            )
            violations.append({"constraint_check_type": operator, "description": said, "metric_name": name})
    report = {
        "rows": outcomes.rows(),
        "current": measured,
        "baseline": baseline.statistics.get("binary_classification_metrics"),
        "constraints": constraints,
    }
    return report, violations


def bias_drift(
    plan: Plan, baseline: Baseline, traffic: Traffic, outcomes: Outcomes, limits: Thresholds
) -> tuple[dict[str, Any], list[Violation]]:
    """Compare Clarify's bias metrics with the baseline's, or with the distances from "no bias" that the plan allows.

    CI, DPPL and DI come from all predictions; the others need labels. Format of a violation:
    docs.aws.amazon.com/sagemaker/latest/dg/clarify-model-monitor-bias-drift-violations.html.
    """
    assert plan.facet is not None
    everyone = np.zeros((3, 2, 2), dtype=np.int64)
    everyone[:, 1, :] = traffic.predictions  # labels are not looked at: each row counts as one with label 1
    unlabelled = {name: metric for name, metric in {**bias.BEFORE, **bias.AFTER}.items() if name in bias.UNLABELLED}
    current = bias.metrics(bias.counted(everyone, plan), unlabelled)
    if outcomes.rows():
        others = {n: m for n, m in {**bias.BEFORE, **bias.AFTER}.items() if n not in bias.UNLABELLED}
        current |= bias.metrics(bias.counted(outcomes.cells, plan), others)
    before = values(baseline.constraints)
    violations: list[Violation] = []
    for name, found in current.items():
        neutral = bias.NEUTRAL.get(name, 0.0)
        allowed = limits.bias.get(name, abs(before[name] - neutral) if name in before else None)
        if allowed is not None and bias.worse(name, found, allowed):
            said = (
                f"Value {found['value']} (95% interval {found['low']:.4f} to {found['high']:.4f}) is farther from "
                f"{neutral:g} than {allowed:.4f}."
            )
            violations.append(
                {
                    "facet": plan.facet.column,
                    "facet_value": f"not {', '.join(map(str, plan.facet.favoured))}",
                    "metric_name": name,
                    "constraint_check_type": "bias_drift_check",
                    "description": said,
                }
            )
    sections = bias_sections(outcomes, plan, predictions=True) if outcomes.rows() else {}
    return {"current": current, "baseline": before, **sections}, violations


def attribution_drift(
    plan: Plan, baseline: Baseline, traffic: Traffic, model: Model, limits: Thresholds
) -> tuple[dict[str, Any], list[Violation]]:
    """Compare the order of the features by mean absolute SHAP value with the baseline's, by NDCG."""
    rows = traffic.sample.rows
    current = model.attributions(rows) if rows is not None else {}
    methods = baseline.constraints.get("explanations", {})
    before = next((method["label0"]["global_shap_values"] for method in methods.values()), None)
    report: dict[str, Any] = {"rows": 0 if rows is None else len(rows), "current": current, "baseline": before}
    if before is None or set(before) != set(current):
        return report | {"ndcg": None}, []
    score = attribution.ndcg(before, current)
    violations: list[Violation] = []
    if score < limits.ndcg:
        violations.append(
            {
                "label": "label0",
                "metric_name": "shap",
                "constraint_check_type": "feature_attribution_drift_check",
                "description": f"Feature attribution drift {score:.4f} is below {limits.ndcg:g}: the order has changed.",
            }
        )
    return report | {"ndcg": score}, violations


def statistics(traffic: Traffic) -> dict[str, Any]:
    """Write the traffic's own statistics.json."""
    columns = [*traffic.columns, *([traffic.score] if traffic.score.present else [])]
    return documents.statistics(columns, traffic.rows)
