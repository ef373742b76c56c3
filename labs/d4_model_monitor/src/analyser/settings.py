"""Every setting is checked before the first row is read; what is wrong is said in one sentence.

Places come from environment variables under the names Model Monitor gives a container
(docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-contract-inputs.html); what the columns mean comes from a
JSON file, `config`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

INPUT = "/opt/ml/processing/input"
DEFAULTS = {
    "mode": "monitor",
    "dataset_source": f"{INPUT}/endpoint",
    "ground_truth_source": f"{INPUT}/ground_truth",
    "model_source": f"{INPUT}/model",
    "config": f"{INPUT}/config/config.json",
    "baseline_statistics": f"{INPUT}/baseline/statistics.json",
    "baseline_constraints": f"{INPUT}/baseline/constraints.json",
    "output_path": "/opt/ml/processing/output",
    "message_path": "/opt/ml/output/message",
    "start_time": "",
    "end_time": "",
    "sagemaker_endpoint_name": "",
    "sagemaker_monitoring_schedule_name": "",
}


class Refused(Exception):
    """What was wrong, where, and what to do; the program prints it and exits with 2."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """When a difference is a violation. The defaults are Model Monitor's where it has one."""

    distance: float = 0.1  # distribution_constraints.comparison_threshold
    method: str = "Robust"  # distribution_constraints.comparison_method: Robust or Simple
    psi: float = 0.25  # "a significant shift": Siddiqi, Credit Risk Scorecards, 2006
    type_match: float = 1.0  # monitoring_config.datatype_check_threshold
    domain_match: float = 1.0  # monitoring_config.domain_content_threshold
    completeness: float = 0.0  # how far completeness may fall below the baseline's
    malformed: float = 0.01  # share of capture lines that cannot be read
    ndcg: float = 0.9  # Clarify's limit for attribution drift
    label: float = 0.1  # difference of the label's rate
    quality: dict[str, float] = field(default_factory=dict)  # by metric; otherwise the baseline's own limits
    bias: dict[str, float] = field(default_factory=dict)  # by metric: the allowed distance from "no bias"


@dataclass(frozen=True, kw_only=True)
class Facet:
    """The group of rows whose `column` holds none of the `favoured` values, compared with all others."""

    column: str
    favoured: tuple[float | str, ...]
    positive: float | None = None  # the label that is good for the person concerned; default: the label's own


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the columns mean and what is asked of them; equal on every worker of a cluster."""

    features: tuple[str, ...]
    label: str
    label_value: float = 1.0  # the score is the probability of this label
    score: str = "prediction"  # the name under which the model's output is reported
    categorical: tuple[str, ...] = ()
    threshold: float = 0.5
    facet: Facet | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    attribution_rows: int = 2000
    emit_metrics: bool = True
    start: str = ""  # UTC to the second, "" without limit
    end: str = ""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the program reads and writes."""

    mode: str
    dataset: Path
    ground_truth: Path | None
    model: Path | None
    statistics: Path
    constraints: Path
    output: Path
    message: Path
    dimensions: tuple[tuple[str, str], ...]


def read(environment: Mapping[str, str]) -> tuple[Places, Plan]:
    """Give the places and the plan that the environment and its JSON file describe."""
    given = {name: environment.get(name) or default for name, default in DEFAULTS.items()}
    if given["mode"] not in ("baseline", "monitor"):
        raise Refused(f"mode is {given['mode']!r}. It can be baseline or monitor.")
    optional = {name: Path(given[name]) if Path(given[name]).exists() else None for name in OPTIONAL}
    for name in OPTIONAL:
        if optional[name] is None and environment.get(name):
            raise Refused(f"{name} names {given[name]}, which does not exist. Correct it or leave it away.")
    dimensions = (
        ("Endpoint", given["sagemaker_endpoint_name"]),
        ("MonitoringSchedule", given["sagemaker_monitoring_schedule_name"]),
    )
    places = Places(
        mode=given["mode"],
        dataset=Path(given["dataset_source"]),
        ground_truth=optional["ground_truth_source"],
        model=optional["model_source"],
        statistics=Path(given["baseline_statistics"]),
        constraints=Path(given["baseline_constraints"]),
        output=Path(given["output_path"]),
        message=Path(given["message_path"]),
        dimensions=tuple((name, value) for name, value in dimensions if value),
    )
    plan = read_plan(Path(given["config"]))
    return places, replace(plan, start=moment(given, "start_time"), end=moment(given, "end_time"))


OPTIONAL = ("ground_truth_source", "model_source")


def read_plan(path: Path) -> Plan:
    """Read the JSON file; an unknown or missing name is refused, so that a misspelt threshold cannot be ignored."""
    document = read_json(path, "The configuration")
    problem = document.pop("problem_type", "BinaryClassification")
    if problem != "BinaryClassification":
        raise Refused(f"{path}: problem_type is {problem!r}. Only BinaryClassification is supported.")
    try:
        given: dict[str, Any] = dict(document)
        given["thresholds"] = Thresholds(**given.get("thresholds", {}))
        if given.get("facet"):
            given["facet"] = Facet(**given["facet"] | {"favoured": tuple(given["facet"]["favoured"])})
        given["features"] = tuple(given["features"])
        given["categorical"] = tuple(given.get("categorical", ()))
        plan = Plan(**given)
    except (TypeError, KeyError) as error:
        raise Refused(f"{path}: {str(error).replace('__init__()', 'the configuration')}.") from None
    check(plan, path)
    return plan


def check(plan: Plan, path: Path) -> None:
    """Refuse names that no column has and numbers out of range."""
    known = set(plan.features)
    if not known or len(known) != len(plan.features):
        raise Refused(f"{path}: features must be a list of different names, at least one.")
    wanted = [*plan.categorical, *([plan.facet.column] if plan.facet else [])]
    if strange := [name for name in wanted if name not in known]:
        raise Refused(f"{path}: {', '.join(strange)} is not among the features: {', '.join(plan.features)}.")
    if {plan.label, plan.score} & known or plan.label == plan.score:
        raise Refused(
            f"{path}: label {plan.label!r} and score {plan.score!r} must differ from each other and features."
        )
    if not 0 < plan.threshold < 1:
        raise Refused(f"{path}: threshold is {plan.threshold}. It must lie between 0 and 1.")
    if plan.thresholds.method not in ("Robust", "Simple"):
        raise Refused(f"{path}: thresholds.method is {plan.thresholds.method!r}. It can be Robust or Simple.")


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Read a JSON object or say why not."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise Refused(f"{what} {path} cannot be read. Put the file there or name another place.") from None
    except ValueError as error:
        raise Refused(f"{what} {path} is not JSON: {error}.") from None
    if not isinstance(document, dict):
        raise Refused(f"{what} {path} must hold a JSON object.")
    return document


def moment(given: Mapping[str, str], name: str) -> str:
    """Write an ISO 8601 time as UTC to the second, so that times compare as text."""
    text = given[name].strip()
    if not text:
        return ""
    try:
        parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Refused(f"{name} is {text!r}. Write it like 2013-07-01T00:00:00Z.") from None
    utc = timezone.utc  # noqa: UP017 - the image may have Python 3.10
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=utc)).astimezone(utc).strftime("%Y-%m-%dT%H:%M:%S")
