"""What is known of the baseline: its statistics and constraints, read from Model Monitor's formats.

Nothing else is kept of the baseline, so files that Model Monitor's own container wrote can be read as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from analyser.columns import Bins, label
from analyser.settings import Plan, Refused, Thresholds, read_json
from analyser.sketch import Integers, Sketch

PARTS = 10  # bins of the population stability index: deciles of the baseline


@dataclass(eq=False)
class Feature:
    """What the baseline says of one column."""

    kind: str  # Integral, Fractional, String or Unknown
    completeness: float
    non_negative: bool
    present: int
    missing: int
    sketch: Sketch
    categories: dict[str, int] | None  # count of each known value, for a categorical column
    bins: Bins = field(default_factory=Bins)
    binned: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(eq=False)
class Baseline:
    """The baseline as it was written: what traffic is compared with."""

    statistics: dict[str, Any]
    constraints: dict[str, Any]
    features: dict[str, Feature]

    @classmethod
    def read(cls, statistics_path: Path, constraints_path: Path, plan: Plan) -> Baseline:
        """Read both files; a column that the plan names must be in them."""
        first = read_json(statistics_path, "The baseline's statistics file")
        second = read_json(constraints_path, "The baseline's constraints file")
        try:
            limits = {entry["name"]: entry for entry in second["features"]}
            found = {
                entry["name"]: read_feature(entry, limits[entry["name"]], plan)
                for entry in first["features"]
                if entry["name"] in limits
            }
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(
                f"{statistics_path} and {constraints_path} are not a baseline: {error!r} is missing or wrong. "
                "Run the program in mode baseline to write them."
            ) from None
        if lacking := [name for name in plan.features if name not in found]:
            raise Refused(
                f"The baseline {statistics_path} does not know {', '.join(lacking)}. "
                "Make the baseline from data that have every feature of the configuration."
            )
        return cls(first, second, found)

    def bins(self) -> dict[str, Bins]:
        return {name: feature.bins for name, feature in self.features.items()}

    def thresholds(self, plan: Plan) -> Thresholds:
        """Give the plan's limits; where it keeps a default, the constraints file decides, as in Model Monitor."""
        config = self.constraints.get("monitoring_config", {})
        distances = config.get("distribution_constraints", {})
        default, given = Thresholds(), plan.thresholds
        written = {
            "distance": distances.get("comparison_threshold"),
            "method": distances.get("comparison_method"),
            "type_match": config.get("datatype_check_threshold"),
            "domain_match": config.get("domain_content_threshold"),
        }
        kept = {
            name: value
            for name, value in written.items()
            if value is not None and getattr(given, name) == getattr(default, name)
        }
        return Thresholds(**{**vars(given), **kept})


def read_feature(entry: dict[str, Any], limit: dict[str, Any], plan: Plan) -> Feature:
    """Read one column of both files, with the bins that traffic is counted in."""
    text = entry.get("string_statistics")
    numeric = entry.get("numerical_statistics", {})
    common = (text or numeric).get("common", {"num_present": 0, "num_missing": 0})
    sketch = sketch_of(numeric.get("distribution", {}).get("kll", {}).get("sketch", {}))
    domain = limit.get("string_constraints", {}).get("domains")
    feature = Feature(
        kind=limit.get("inferred_type", entry.get("inferred_type", "Unknown")),
        completeness=float(limit.get("completeness", 0.0)),
        non_negative=bool(limit.get("num_constraints", {}).get("is_non_negative", False)),
        present=int(common["num_present"]),
        missing=int(common["num_missing"]),
        sketch=sketch,
        categories=None,
    )
    if domain is None:
        edges = sketch.cuts(PARTS)
        feature.bins, feature.binned = Bins(edges=edges), sketch.below(edges)
        return feature
    counts = {label(value): int(count) for value, count in zip(sketch.lower(), sketch.counts, strict=True)}
    if text:
        buckets = text["distribution"]["categorical"]["buckets"]
        counts |= {bucket["value"]: int(bucket["count"]) for bucket in buckets}
    numbers = sorted(float(name) for name in domain if numeral(name))
    words = tuple(sorted(name for name in domain if not numeral(name)))
    feature.bins = Bins(values=np.array(numbers), words=words)
    names = [*map(label, numbers), *words]
    feature.categories = {name: counts.get(name, 0) for name in names}
    feature.binned = np.array(list(feature.categories.values()), dtype=np.int64)
    return feature


def numeral(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def sketch_of(document: dict[str, Any]) -> Sketch:
    """Read a sketch from KLL levels."""
    sketch = Sketch(shift=int(document.get("parameters", {}).get("shift", 0)))
    for level, values in enumerate(document.get("data", [])):
        numbers = np.array(values, dtype=np.float64)
        sketch.add(numbers, np.full(numbers.size, 1 << level, dtype=np.int64))
    return sketch
