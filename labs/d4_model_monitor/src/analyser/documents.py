"""Statistics and constraints in Model Monitor's formats, as the prebuilt container writes them.

Formats: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-statistics.html and
model-monitor-byoc-constraints.html. A KLL sketch is written as its levels of values, where a value on level h stands for
2**h observations; a bucket that counts 5 appears on levels 0 and 2.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from analyser.columns import Column
from analyser.settings import Plan, Refused
from analyser.sketch import Floats, Sketch

BUCKETS = 10  # Model Monitor writes ten; its documentation says it cannot be changed
CATEGORIES = 512  # more different values than this are no categories


def kind(column: Column) -> str:
    """Infer a type as Model Monitor does: from what most of the values are."""
    if not column.present:
        return "Unknown"
    if column.text > column.count:
        return "String"
    return "Fractional" if column.fractional else "Integral"


def statistics(columns: list[Column], rows: int) -> dict[str, Any]:
    """Write statistics.json's part for the columns."""
    return {"version": 0.0, "dataset": {"item_count": rows}, "features": [feature(column) for column in columns]}


def feature(column: Column) -> dict[str, Any]:
    found = kind(column)
    common = {"num_present": column.present, "num_missing": column.missing}
    if found == "String":
        buckets = [{"value": name, "count": count} for name, count in sorted(column.words.items())]
        string = {
            "common": common,
            "distinct_count": len(column.words),
            "distribution": {"categorical": {"buckets": buckets}},
        }
        return {"name": column.name, "inferred_type": found, "string_statistics": string}
    numeric = {
        "common": common,
        "mean": column.mean,
        "sum": column.mean * column.count,
        "std_dev": column.deviation(),
        "min": column.low if column.count else 0.0,
        "max": column.high if column.count else 0.0,
        "distribution": {"kll": {"buckets": buckets_of(column), "sketch": levels(column.sketch)}},
    }
    return {"name": column.name, "inferred_type": found, "numerical_statistics": numeric}


def buckets_of(column: Column) -> list[dict[str, float]]:
    """Divide the range from minimum to maximum into ten equal parts."""
    if not column.count:
        return []
    edges = np.linspace(column.low, column.high, BUCKETS + 1) if column.high > column.low else [column.low, column.high]
    counts = column.sketch.below(np.asarray(edges[1:-1]))
    return [
        {"lower_bound": float(low), "upper_bound": float(high), "count": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]


def levels(sketch: Sketch) -> dict[str, Any]:
    """Write a sketch as KLL levels."""
    values, data = sketch.lower(), []
    for level in range(int(sketch.counts.max()).bit_length() if sketch.counts.size else 0):
        data.append([brief(value) for value in values[(sketch.counts >> level) & 1 == 1]])
    return {"parameters": {"c": 0.64, "k": sketch.limit, "shift": sketch.shift}, "data": data}


def brief(value: float) -> float | int:
    """Write 3 rather than 3.0: half the characters of a file that people open."""
    return int(value) if value.is_integer() and abs(value) < 1e15 else float(value)


def constraints(columns: list[Column], plan: Plan) -> dict[str, Any]:
    """Suggest what later data must satisfy: types, completeness, signs, known categories."""
    limits = plan.thresholds
    return {
        "version": 0.0,
        "features": [constraint(column, plan) for column in columns],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled" if plan.emit_metrics else "Disabled",
            "datatype_check_threshold": limits.type_match,
            "domain_content_threshold": limits.domain_match,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": limits.distance,
                "comparison_method": limits.method,
            },
        },
    }


def constraint(column: Column, plan: Plan) -> dict[str, Any]:
    rows = column.present + column.missing
    found = kind(column)
    entry: dict[str, Any] = {
        "name": column.name,
        "inferred_type": found,
        "completeness": column.present / rows if rows else 0.0,
    }
    if found in ("Integral", "Fractional"):
        entry["num_constraints"] = {"is_non_negative": column.negative == 0}
    if column.name in plan.categorical or found == "String":
        categories = column.categories()
        if not column.countable() or len(categories) > CATEGORIES:
            if column.name in plan.categorical:
                raise Refused(
                    f"{column.name} is configured as categorical but has more than {CATEGORIES} different values. "
                    "Take it from the list `categorical`."
                )
        else:
            entry["string_constraints"] = {"domains": list(categories)}
    return entry


def histogram(sketch: Sketch, edges: Floats) -> list[float]:
    """Give the share of values in each interval, those beyond the ends in the outer ones."""
    counts = sketch.below(edges[1:-1])
    total = counts.sum()
    return [round(float(count / total), 6) if total else 0.0 for count in counts]


def clean(value: Any) -> Any:
    """Make a value fit for JSON: NumPy's numbers become Python's, what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(name): clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    if isinstance(value, np.generic):
        return clean(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write(folder: Path, documents: dict[str, Any]) -> None:
    """Write each document as a JSON file of its name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in documents.items():
            text = json.dumps(clean(document), indent=1, allow_nan=False)
            (folder / name).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise Refused(f"The output folder {folder} cannot be written: {error.strerror}.") from None
