"""The baseline of a model: statistics and constraints of the data it was trained or validated on, in one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from analyser import bias, documents, quality
from analyser.attribution import Model
from analyser.capture import LINES, Chunk, files
from analyser.cells import Table, split, table
from analyser.columns import Column
from analyser.settings import Plan, Refused
from analyser.traffic import Outcomes, Traffic, facets

# What is watched of a model's quality; the others are reported.
WATCHED = ("accuracy", "precision", "recall", "f1", "auc", "log_loss", "brier_score")


@dataclass(eq=False)
class Reference:
    """The rows of the baseline: columns as in traffic, the label, and scores if there is a model."""

    traffic: Traffic
    label: Column
    outcomes: Outcomes
    notes: list[str] = field(default_factory=list)

    def merge(self, other: Reference) -> Reference:
        """Take in another part of the same data."""
        self.traffic.merge(other.traffic)
        self.label.merge(other.label)
        self.outcomes.merge(other.outcomes)
        return self


def start(plan: Plan) -> Reference:
    """Begin with nothing seen."""
    sample = plan.attribution_rows
    return Reference(Traffic.start(plan, {}, sample=sample), Column(plan.label), Outcomes(plan.threshold))


def rows(folder: Path, plan: Plan) -> Iterator[tuple[list[str], list[int], int]]:
    """Give rows of text with the places of label and features among their cells, and how many cells there are.

    Every file must begin with a header that names them; other columns are ignored.
    """
    found = [path for path in files(folder) if path.suffix == ".csv"] if folder.is_dir() else [folder]
    if not found or not folder.exists():
        raise Refused(f"{folder} holds no CSV file. Put the baseline's data there, with a header.")
    for path in found:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                header = [name.strip() for name in split(file.readline().strip("\r\n"))]
                wanted = [plan.label, *plan.features]
                if lacking := [name for name in wanted if name not in header]:
                    raise Refused(
                        f"{path} has no column {', '.join(lacking)}. Its header names {', '.join(header) or 'nothing'}."
                    )
                places = [header.index(name) for name in wanted]
                while portion := [line.strip("\r\n") for line in islice(file, LINES)]:
                    yield [line for line in portion if line], places, len(header)
        except UnicodeDecodeError:
            raise Refused(f"{path} is not UTF-8 text.") from None


def add(reference: Reference, portion: list[str], places: list[int], width: int, model: Model | None) -> None:
    """Count one portion of rows."""
    plan = reference.traffic.plan
    reasons: Counter[str] = Counter()
    whole = [line for line in portion if line.count(",") == width - 1 or len(split(line)) == width]
    if len(whole) != len(portion):
        reasons["rows of another length than the header"] = len(portion) - len(whole)
    read = table(whole, width)
    where = {place: column for column, place in enumerate(places[1:])}
    words = {(row, where[place]): word for (row, place), word in read.words.items() if place in where}
    features = Table(read.numbers[:, places[1:]], words)
    labels = read.numbers[:, places[0]]
    scores = model.scores(features.numbers) if model is not None and len(whole) else np.full(len(whole), np.nan)
    chunk = Chunk(features, whole, [0] * len(whole), scores, lines=len(portion), reasons=reasons)
    groups = reference.traffic.add(chunk)
    reference.label.add(*read.column(places[0]))
    known = np.asarray(~np.isnan(labels) & ~np.isnan(scores))
    found = (labels[known] == plan.label_value).astype(np.int8)
    reference.outcomes.add(scores[known], found, groups[known], Counter())
    if model is None and plan.facet is not None:  # labels alone still give the metrics before training
        known = np.asarray(~np.isnan(labels))
        positive = (labels[known] == plan.label_value).astype(np.int64)
        place = facets(chunk, plan)[known].astype(np.int64) * 4 + positive * 2
        reference.outcomes.cells += np.bincount(place, minlength=12).reshape(3, 2, 2)


def conclude(reference: Reference, model: Model | None) -> dict[str, dict[str, Any]]:
    """Give the documents of the baseline by file name."""
    traffic, plan = reference.traffic, reference.traffic.plan
    if not traffic.rows:
        raise Refused("The baseline's data hold no row. A baseline needs some hundreds.")
    columns = [*traffic.columns, reference.label, *([traffic.score] if model is not None else [])]
    statistics = documents.statistics(columns, traffic.rows)
    constraints = documents.constraints(columns, plan)
    if model is not None and reference.outcomes.rows():
        measured = quality.metrics(reference.outcomes)
        statistics["binary_classification_metrics"] = measured
        constraints["binary_classification_constraints"] = {name: limit(name, measured[name]) for name in WATCHED}
    if plan.facet is not None:
        sections = bias_sections(reference.outcomes, plan, predictions=model is not None)
        statistics |= sections
        constraints |= sections
    if model is not None and traffic.sample.rows is not None:
        shares = model.attributions(traffic.sample.rows)
        explained = {"explanations": {"tree_shap": {"label0": {"global_shap_values": shares}}}}
        statistics |= explained
        constraints |= explained
    return {"statistics.json": statistics, "constraints.json": constraints}


def limit(name: str, measured: dict[str, Any]) -> dict[str, Any]:
    """Suggest the end of the baseline's interval that is worse, so that chance alone rarely raises a violation."""
    if name in quality.BETTER_WHEN_LOWER:
        return {"threshold": measured["high"], "comparison_operator": "GreaterThanThreshold"}
    return {"threshold": measured["low"], "comparison_operator": "LessThanThreshold"}


def bias_sections(outcomes: Outcomes, plan: Plan, *, predictions: bool) -> dict[str, Any]:
    """Write bias metrics as Clarify's analysis.json does.

    Source: docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-analysis-results.html.
    """
    if plan.facet is None:
        return {}
    counts = bias.counted(outcomes.cells, plan)
    sections = {"pre_training_bias_metrics": bias.BEFORE, "post_training_bias_metrics": bias.AFTER}
    good = plan.label_value if plan.facet.positive is None else plan.facet.positive
    return {
        section: {
            "label": plan.label,
            "label_value_or_threshold": f"{good:g}",
            "facets": {
                plan.facet.column: [
                    {
                        "value_or_threshold": f"not {', '.join(map(str, plan.facet.favoured))}",
                        "metrics": [{"name": name, **found} for name, found in bias.metrics(counts, names).items()],
                    }
                ]
            },
        }
        for section, names in sections.items()
        if predictions or names is bias.BEFORE
    }


def values(document: dict[str, Any]) -> dict[str, float]:
    """Read the value of each bias metric from a document with Clarify's sections."""
    found: dict[str, float] = {}
    for section in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        for entries in document.get(section, {}).get("facets", {}).values():
            for metric in entries[0]["metrics"]:
                if metric.get("value") is not None:
                    found[metric["name"]] = float(metric["value"])
    return found
