"""Runs one mode from its inputs to its files; the same conclusions are drawn on one machine and on a cluster."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial, reduce
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from typing import Any, TypeVar

from analyser import baseline, capture, documents, monitor, publish, truth
from analyser.attribution import Model
from analyser.columns import Bins
from analyser.known import Baseline
from analyser.settings import Places, Plan, Refused
from analyser.traffic import Outcomes, Traffic

SHARE = 16 << 20  # bytes that are worth a process of their own
Part = TypeVar("Part")


def make_baseline(places: Places, plan: Plan) -> str:
    """Read the data once and write statistics.json and constraints.json."""
    model = Model.load(places.model, plan) if places.model else None
    reference = baseline.start(plan)
    for portion, where, width in baseline.rows(places.dataset, plan):
        baseline.add(reference, portion, where, width, model)
    documents.write(places.output, baseline.conclude(reference, model))
    missed = sum(reference.traffic.reasons.values())
    left = f"; {missed} rows of another length than the header were left out" if missed else ""
    return f"Completed: baseline of {reference.traffic.rows} rows{left}."


def watch(places: Places, plan: Plan) -> str:
    """Read the traffic once, join the labels, and write report, statistics, violations, metrics and plot data."""
    known, model = prepare(places, plan)
    traffic = Traffic.start(plan, known.bins(), sample=plan.attribution_rows if model else 0)
    outcomes = Outcomes(plan.threshold)
    sample = plan.attribution_rows if model else 0
    with tempfile.TemporaryDirectory() as name:
        shards = truth.Shards(Path(name), size=size(places.dataset) + size(places.ground_truth))
        read = partial(read_traffic, plan, known.bins(), sample, shards if places.ground_truth else None)
        traffic = reduce(Traffic.merge, spread(read, places.dataset))
        outcomes = Outcomes(plan.threshold)
        if places.ground_truth:
            for reasons in spread(partial(read_labels, plan, shards), places.ground_truth):
                outcomes.seen.update(reasons)
            for part in shards.joined():
                outcomes.add(*part)
    return finish(places, plan, known, traffic, outcomes, model)


def read_traffic(
    plan: Plan, bins: dict[str, Bins], sample: int, shards: truth.Shards | None, paths: list[Path]
) -> Traffic:
    """Read some files of traffic; what a join needs of their rows goes to the shards."""
    traffic = Traffic.start(plan, bins, sample=sample)
    for chunk in capture.chunks(capture.lines(paths), plan):
        groups = traffic.add(chunk)
        if shards is not None:
            names = truth.keys(chunk.events, chunk.positions)
            shards.put("predicted", truth.predicted(names, chunk.scores, groups))
    return traffic


def read_labels(plan: Plan, shards: truth.Shards, paths: list[Path]) -> Counter[str]:
    """Read some files of ground truth into the shards; give what could not be read."""
    reasons: Counter[str] = Counter()
    for portion in truth.portions(paths):
        labels = truth.read(portion, plan, reasons)
        shards.put("labelled", truth.labelled(truth.keys(labels.events, labels.positions), labels.values))
    return reasons


def spread(read: Callable[[list[Path]], Part], folder: Path) -> list[Part]:
    """Read the files of a folder with as many processes as there are processors and work for them.

    The processes are forked, so that Python's hash of a name is the same in all of them.
    """
    paths = capture.files(folder)
    workers = min(os.cpu_count() or 1, len(paths), size(folder) // SHARE)
    if workers < 2 or "fork" not in get_all_start_methods():
        return [read(paths)]
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        return list(pool.map(read, [paths[first::workers] for first in range(workers)]))


def prepare(places: Places, plan: Plan, *, local: bool = True) -> tuple[Baseline, Model | None]:
    """Read the baseline and the model; refuse traffic that is not there, if it should be on this machine."""
    if local and not places.dataset.exists():
        raise Refused(f"dataset_source names {places.dataset}, which does not exist. Give the folder of captured data.")
    known = Baseline.read(places.statistics, places.constraints, plan)
    return known, Model.load(places.model, plan) if places.model else None


def finish(
    places: Places, plan: Plan, known: Baseline, traffic: Traffic, outcomes: Outcomes, model: Model | None
) -> str:
    """Write every document; give the message that SageMaker shows for the job."""
    report = monitor.conclude(plan, known, traffic, outcomes, model=model, labelled=places.ground_truth is not None)
    written: dict[str, Any] = {
        "statistics.json": monitor.statistics(traffic),
        "constraint_violations.json": {"version": 0.0, "violations": report["violations"]},
        "report.json": {"status": report["status"], **report},
        "metrics.json": publish.metrics(report, places, plan),
        "plots.json": publish.plots(plan, known, traffic, outcomes, report),
    }
    documents.write(places.output, written)
    return message(report)


def message(report: dict[str, Any]) -> str:
    """Say the status, how much was read, and which columns and metrics are in violation."""
    violations = report["violations"]
    read = f"{report['capture']['rows']} rows, {report['capture']['malformed_lines']} lines unreadable"
    if not violations:
        return f"Completed: {read}, no violations."
    names = sorted({v.get("feature_name") or v.get("metric_name") or "" for v in violations})
    return f"CompletedWithViolations: {read}, {len(violations)} violations: {', '.join(names)}."


def size(folder: Path | None) -> int:
    return sum(path.stat().st_size for path in capture.files(folder)) if folder is not None else 0
