"""Which columns and lines break the baseline's constraints, in the words of constraint_violations.json."""

from __future__ import annotations

from typing import Any

from analyser import significance
from analyser.capture import MALFORMED
from analyser.columns import Column
from analyser.known import Feature
from analyser.settings import Thresholds
from analyser.traffic import Traffic

Violation = dict[str, str]


def not_of_type(column: Column, feature: Feature) -> int:
    """Count present values that are not of the baseline's type; an integer is a good fraction."""
    if feature.kind == "Integral":
        return column.fractional + column.text + column.infinite
    if feature.kind == "Fractional":
        return column.text + column.infinite
    return column.infinite


def capture_violations(traffic: Traffic, limits: Thresholds) -> list[Violation]:
    """Name lines that could not be read and rows of another shape."""
    found = []
    malformed = {reason: count for reason, count in traffic.reasons.items() if reason in MALFORMED}
    if traffic.lines and sum(malformed.values()) / traffic.lines > limits.malformed:
        said = "; ".join(f"{count}: {reason}" for reason, count in sorted(malformed.items()))
        found.append(violation("capture", "capture_check", f"Of {traffic.lines} lines could not be read {said}."))
    for reason, check in (
        ("fewer values than features", "missing_column_check"),
        ("more values than features", "extra_column_check"),
    ):
        if count := traffic.reasons[reason]:
            said = f"{count} rows have {reason}; {len(traffic.columns)} are expected. They were not analysed."
            found.append(violation("capture", check, said))
    for names, check, said in (
        (traffic.absent, "missing_column_check", "lack this column"),
        (traffic.extra, "extra_column_check", "have this column, which the baseline does not know"),
    ):
        found += [violation(name, check, f"{count} rows {said}.") for name, count in sorted(names.items())]
    return found


def violation(name: str, check: str, description: str) -> Violation:
    return {"feature_name": name, "constraint_check_type": check, "description": description}


def column_violations(
    column: Column, feature: Feature, compared: dict[str, Any], limits: Thresholds
) -> list[Violation]:
    """Check one column as Model Monitor does.

    Source: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html. Completeness is compared
    by the 95 percent intervals of both shares, so that a few rows more or less do not matter.
    """
    found = []
    present, rows = column.present, column.present + column.missing
    if present and 1 - compared["not_of_type"] / present < limits.type_match:
        wrong = (
            f"{compared['not_of_type']} of {present} values are not {feature.kind}; {limits.type_match:.1%} must be."
        )
        found.append(violation(column.name, "data_type_check", wrong))
    elif feature.non_negative and column.negative:
        wrong = f"{column.negative} of {present} values are negative; the baseline has none."
        found.append(violation(column.name, "data_type_check", wrong))
    _, most = significance.wilson(present, rows)
    before = feature.present + feature.missing
    least, _ = (
        significance.wilson(round(feature.completeness * before), before) if before else (feature.completeness, 1)
    )
    if most < least - limits.completeness:
        said = f"{present / rows:.1%} of the rows have a value; {feature.completeness:.1%} had one in the baseline."
        found.append(violation(column.name, "completeness_check", said))
    if feature.categories is not None and present and 1 - column.unknown / present < limits.domain_match:
        said = f"{column.unknown} of {present} values are unknown to the baseline: {', '.join(column.strangers)}."
        found.append(violation(column.name, "categorical_values_check", said))
    distance, psi = compared["distance"][limits.method], compared["psi"]
    if distance > limits.distance:
        said = f"{limits.method} distance {distance:.3f} exceeds {limits.distance:g}."
        found.append(violation(column.name, "baseline_drift_check", said))
    elif psi["value"] is not None and psi["value"] > limits.psi and psi["p_value"] < 0.01:
        said = f"Population stability index {psi['value']:.3f} exceeds {limits.psi:g}."
        found.append(violation(column.name, "baseline_drift_check", said))
    return found
