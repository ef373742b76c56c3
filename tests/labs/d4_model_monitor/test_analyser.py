"""The analyser as a job runs it: real flights in, documents in Model Monitor's formats out, one sentence at the end."""

from __future__ import annotations

import base64
import csv
import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
SRC = ROOT / "labs" / "d4_model_monitor" / "src"
FLIGHTS = ROOT / "labs" / "d3_realtime_endpoint"  # the same flights and columns, and a model that is kept there
if str(SRC) not in sys.path:
    sys.path.insert(0, str(SRC))

import analyse  # noqa: E402
from analyser import capture, run, truth  # noqa: E402

Row = dict[str, str]
Documents = dict[str, Any]
HOUR = "2013/07/01/00"


@functools.cache
def flights(name: str) -> list[Row]:
    with (FLIGHTS / "data" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@functools.cache
def features() -> list[str]:
    return [name for name in flights("holdout")[0] if name != "late"]


def season(rows: list[Row], *months: int) -> list[Row]:
    return [row for row in rows if int(row["month"]) in months]


def cells(row: Row) -> str:
    return ",".join(row[name] for name in features())


def matrix(rows: list[Row]) -> np.ndarray:
    return np.array([[float(row[name] or "nan") for name in features()] for row in rows])


@functools.cache
def booster() -> Any:
    import xgboost

    return xgboost.Booster(model_file=str(FLIGHTS / "src" / "model_v1" / "xgboost-model.json"))


def scores(rows: list[Row]) -> list[float]:
    """What the endpoint answers: probabilities with six digits."""
    import xgboost

    table = xgboost.DMatrix(matrix(rows).astype(np.float32), feature_names=features())
    return [round(float(score), 6) for score in booster().predict(table)]


def captured(row: str, score: object, event: str, *, time: str = "2013-07-01T00:10:00Z", **changes: Any) -> Documents:
    """One line as SageMaker's data capture writes it."""
    given = {"observedContentType": "text/csv", "mode": "INPUT", "data": row, "encoding": "CSV"}
    answer = {
        "observedContentType": "text/csv; charset=utf-8",
        "mode": "OUTPUT",
        "data": f"{score}\n",
        "encoding": "CSV",
    }
    return {
        "captureData": {"endpointInput": given | changes, "endpointOutput": answer},
        "eventMetadata": {"eventId": event, "inferenceTime": time},
        "eventVersion": "0",
    }


def labelled(label: object, event: str) -> Documents:
    return {
        "groundTruthData": {"data": str(label), "encoding": "CSV"},
        "eventMetadata": {"eventId": event},
        "eventVersion": "0",
    }


def write_lines(path: Path, lines: Iterable[Documents | str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)


def write_csv(path: Path, rows: list[Row], names: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


class Job:
    """A processing job's folders, and the program run on them."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.folder = folder
        self.config = {
            "features": features(),
            "label": "late",
            "categorical": ["carrier", "origin", "destination"],
            "facet": {"column": "origin", "favoured": [1], "positive": 0},
        } | config
        self.model: Path | None = FLIGHTS / "src" / "model_v1"

    def environment(self, **more: str) -> dict[str, str]:
        folder = self.folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self.config))
        given = {
            "dataset_source": str(folder / "endpoint"),
            "config": str(folder / "config.json"),
            "baseline_statistics": str(folder / "baseline" / "statistics.json"),
            "baseline_constraints": str(folder / "baseline" / "constraints.json"),
            "output_path": str(folder / "output"),
            "message_path": str(folder / "message"),
        }
        if (folder / "truth").exists():
            given["ground_truth_source"] = str(folder / "truth")
        if self.model:
            given["model_source"] = str(self.model)
        return given | more

    def baseline(self, rows: list[Row], names: list[str] | None = None) -> int:
        write_csv(self.folder / "data" / "train.csv", rows, names or ["late", *features()])
        return self.run(
            mode="baseline", dataset_source=str(self.folder / "data"), output_path=str(self.folder / "baseline")
        )

    def serve(self, rows: list[Row], answers: list[float] | None = None, *, labels: bool = True) -> None:
        """Let the endpoint capture these rows, and their labels arrive four hours late."""
        given = answers if answers is not None else scores(rows)
        events = [f"event-{place}" for place in range(len(rows))]
        lines = [captured(cells(row), score, event) for row, score, event in zip(rows, given, events, strict=True)]
        write_lines(self.folder / "endpoint" / "flights" / "AllTraffic" / HOUR / "00-00.jsonl", lines)
        if labels:
            known = [labelled(row["late"], event) for row, event in zip(rows, events, strict=True)]
            write_lines(self.folder / "truth" / "2013/07/01/04" / "labels.jsonl", known)

    def run(self, **more: str) -> int:
        return analyse.main(self.environment(**more))

    def said(self) -> str:
        return (self.folder / "message").read_text()

    def read(self, name: str, where: str = "output") -> Any:
        return json.loads((self.folder / where / f"{name}.json").read_text())


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A winter baseline of real flights, scored by a real model."""
    job = Job(tmp_path)
    assert job.baseline(season(flights("train"), 1, 2, 3)) == 0
    return job


COMMON = {"num_present": {"type": "integer"}, "num_missing": {"type": "integer"}}
NUMBER = {"type": "number"}


def exact(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


BUCKET = exact({"lower_bound": NUMBER, "upper_bound": NUMBER, "count": {"type": "integer"}})
SKETCH = exact(
    {
        "parameters": {"type": "object", "required": ["c", "k"]},
        "data": {"type": "array", "items": {"type": "array", "items": NUMBER}},
    }
)
KLL = exact({"buckets": {"type": "array", "items": BUCKET}, "sketch": SKETCH})
NUMERIC = {"common": exact(COMMON), **dict.fromkeys(("mean", "sum", "std_dev", "min", "max"), NUMBER)}
NUMERICAL = exact(NUMERIC | {"distribution": exact({"kll": KLL})})
FEATURE = exact(
    {
        "name": {"type": "string"},
        "inferred_type": {"enum": ["Fractional", "Integral", "String", "Unknown"]},
        "numerical_statistics": NUMERICAL,
        "string_statistics": {"type": "object"},
    },
    "numerical_statistics",
    "string_statistics",
)
STATISTICS = {
    "type": "object",
    "required": ["version", "dataset", "features"],
    "properties": {
        "dataset": exact({"item_count": {"type": "integer"}}),
        "features": {"type": "array", "items": FEATURE},
    },
}
CONSTRAINTS = {
    "type": "object",
    "required": ["version", "features", "monitoring_config"],
    "properties": {
        "features": {
            "type": "array",
            "items": exact(
                {
                    "name": {"type": "string"},
                    "inferred_type": {"enum": ["Fractional", "Integral", "String", "Unknown"]},
                    "completeness": {"type": "number", "minimum": 0, "maximum": 1},
                    "num_constraints": exact({"is_non_negative": {"type": "boolean"}}),
                    "string_constraints": exact({"domains": {"type": "array", "items": {"type": "string"}}}),
                },
                "num_constraints",
                "string_constraints",
            ),
        },
        "monitoring_config": exact(
            {
                "evaluate_constraints": {"enum": ["Enabled", "Disabled"]},
                "emit_metrics": {"enum": ["Enabled", "Disabled"]},
                "datatype_check_threshold": NUMBER,
                "domain_content_threshold": NUMBER,
                "distribution_constraints": exact(
                    {
                        "perform_comparison": {"enum": ["Enabled", "Disabled"]},
                        "comparison_threshold": NUMBER,
                        "comparison_method": {"enum": ["Simple", "Robust"]},
                    }
                ),
            }
        ),
    },
}


def test_the_baseline_is_written_in_model_monitors_formats(job: Job) -> None:
    """The schemas are those of the developer guide's pages on statistics.json and constraints.json."""
    # GIVEN a baseline of winter flights
    statistics, constraints = job.read("statistics", "baseline"), job.read("constraints", "baseline")
    # THEN both files have the documented form and the documented content
    jsonschema.validate(statistics, STATISTICS)
    jsonschema.validate(constraints, CONSTRAINTS)
    rows = season(flights("train"), 1, 2, 3)
    assert statistics["dataset"]["item_count"] == len(rows)
    distance = next(entry for entry in statistics["features"] if entry["name"] == "distance")["numerical_statistics"]
    values = np.array([float(row["distance"]) for row in rows])
    assert distance["mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert distance["std_dev"] == pytest.approx(values.std(), rel=1e-12)
    assert [bucket["count"] for bucket in distance["distribution"]["kll"]["buckets"]] == list(
        np.histogram(values, 10)[0]
    )
    gust = next(entry for entry in constraints["features"] if entry["name"] == "wind_gust")
    assert gust["completeness"] == pytest.approx(np.mean([row["wind_gust"] != "" for row in rows]))


def test_traffic_like_the_baseline_raises_no_violation(job: Job) -> None:
    # GIVEN other winter flights, of days that the baseline does not have
    job.serve(season(flights("validation") + flights("holdout"), 1, 2, 3))
    # WHEN the month and the weekday, which single days cannot represent, are not compared
    job.config["thresholds"] = {"distance": 0.2, "psi": 10, "domain_match": 0.9}
    # THEN nothing is in violation
    assert job.run() == 0
    assert job.read("constraint_violations")["violations"] == []
    assert job.said().startswith("Completed: ")


def test_summer_differs_from_winter_and_every_violation_names_its_cause(job: Job) -> None:
    # GIVEN a model that knows winter, and summer's flights
    job.serve(season(flights("validation") + flights("holdout"), 6, 7))
    # WHEN they are compared
    assert job.run() == 0
    report = job.read("report")
    # THEN temperature and month have drifted, and the status says so
    found = {(entry.get("feature_name"), entry["constraint_check_type"]) for entry in report["violations"]}
    assert {("temp", "baseline_drift_check"), ("month", "baseline_drift_check")} <= found
    said = [entry["description"] for entry in report["violations"] if entry.get("feature_name") == "temp"]
    assert said == [f"Robust distance {report['features']['temp']['distance']['Robust']:.3f} exceeds 0.1."]
    assert report["status"] == "CompletedWithViolations"
    assert job.read("constraint_violations") == {"version": 0.0, "violations": report["violations"]}
    assert "temp" in job.said()
    # AND quality, label, bias and attribution were compared as well
    assert report["model_quality"]["rows"] == report["capture"]["rows"] > 0
    assert report["label_drift"]["rate"]["baseline"] > 0
    assert set(report["bias"]["baseline"]) >= {"CI", "DPL", "DPPL", "DI", "AD", "RD"}
    assert 0 < report["attribution_drift"]["ndcg"] <= 1
    jsonschema.validate(job.read("statistics"), STATISTICS)


def test_a_shift_that_the_distance_may_have_is_still_held_to_the_stability_index(job: Job) -> None:
    job.serve(season(flights("holdout"), 6, 7))
    job.config["thresholds"] = {"distance": 1.0, "psi": 0.5}
    assert job.run() == 0
    said = [entry["description"] for entry in job.read("report")["violations"] if entry.get("feature_name") == "temp"]
    assert len(said) == 1
    assert said[0].endswith("exceeds 0.5.")


def test_metrics_are_ready_for_cloudwatch(job: Job) -> None:
    # GIVEN a comparison
    job.serve(season(flights("holdout"), 6, 7))
    # WHEN it is run for a named endpoint and schedule
    job.run(sagemaker_endpoint_name="flights", sagemaker_monitoring_schedule_name="hourly")
    metrics = {metric["MetricName"]: metric for metric in job.read("metrics")}
    # THEN the metrics have Model Monitor's names, the two dimensions and finite values that the report holds as well
    report = job.read("report")
    assert metrics["feature_baseline_drift_temp"] == {
        "MetricName": "feature_baseline_drift_temp",
        "Dimensions": [{"Name": "Endpoint", "Value": "flights"}, {"Name": "MonitoringSchedule", "Value": "hourly"}],
        "Value": report["features"]["temp"]["distance"]["Robust"],
        "Unit": "None",
    }
    assert metrics["violations"]["Value"] == len(report["violations"])
    of_columns = [entry for entry in report["violations"] if "feature_name" in entry]
    assert metrics["violations_data_quality"]["Value"] == len(of_columns) > 0
    parts = [value["Value"] for name, value in metrics.items() if name.startswith("violations_")]
    assert sum(parts) == metrics["violations"]["Value"]
    assert {"feature_non_null_temp", "bias_metric_DPPL", "attribution_ndcg", "auc", "label_rate"} <= set(metrics)
    assert all(np.isfinite(metric["Value"]) for metric in metrics.values())


def test_metrics_can_be_turned_off(job: Job) -> None:
    job.serve(season(flights("holdout"), 6))
    job.config["emit_metrics"] = False
    assert job.run() == 0
    assert job.read("metrics") == []


def test_plots_hold_shares_of_baseline_and_traffic_for_every_column(job: Job) -> None:
    job.serve(season(flights("holdout"), 6, 7))
    job.run()
    bars = {entry["name"]: entry for entry in job.read("plots")["histograms"]}
    assert set(bars) == {*features(), "prediction"}
    for entry in bars.values():
        assert sum(entry["current"]) == pytest.approx(1, abs=1e-4)
        assert len(entry["baseline"]) == len(entry["current"])
        assert len(entry.get("categories", entry["current"])) == len(entry["current"])


def as_base64(line: Documents) -> Documents:
    for part in line["captureData"].values():
        part |= {"data": base64.b64encode(part["data"].encode()).decode(), "encoding": "BASE64"}
    return line


def as_json(line: Documents) -> Documents:
    data = line["captureData"]
    row = [float(cell) if cell else None for cell in data["endpointInput"]["data"].split(",")]
    body = {"rows": [row]}
    data["endpointInput"] |= {
        "observedContentType": "application/json",
        "data": json.dumps(body),
        "encoding": "JSON",
    }
    answer = {"predictions": [float(data["endpointOutput"]["data"])]}
    data["endpointOutput"] |= {
        "observedContentType": "application/json",
        "data": json.dumps(answer),
        "encoding": "JSON",
    }
    return line


def as_named(line: Documents) -> Documents:
    data = line["captureData"]
    row = data["endpointInput"]["data"].split(",")
    body = {"instances": [{"features": dict(zip(features(), row, strict=True))}]}
    data["endpointInput"] |= {
        "observedContentType": "application/json",
        "data": json.dumps(body),
        "encoding": "JSON",
    }
    return line


def as_reordered(line: Documents) -> Documents:
    return dict(reversed(line.items()))


def with_inference_id(line: Documents) -> Documents:
    event = line["eventMetadata"]["eventId"]
    line["eventMetadata"] |= {"eventId": f"made-by-the-endpoint-{event}", "inferenceId": event}
    return line


@pytest.mark.parametrize("form", [as_base64, as_json, as_named, as_reordered, with_inference_id])
def test_every_form_of_a_capture_gives_the_same_report(job: Job, form: Callable[[Documents], Documents]) -> None:
    # GIVEN the report of lines in SageMaker's plain form
    rows = season(flights("holdout"), 6, 7)
    job.serve(rows)
    assert job.run() == 0
    expected = job.read("report")
    # WHEN the same rows are captured in another form
    (path,) = (job.folder / "endpoint").rglob("*.jsonl")
    path.write_text("".join(json.dumps(form(json.loads(line))) + "\n" for line in path.read_text().splitlines()))
    # THEN nothing in the report changes
    assert job.run() == 0
    assert job.read("report") == expected


def test_a_request_with_several_rows_counts_each_and_finds_each_label(job: Job) -> None:
    # GIVEN three rows in one request, three scores in the answer and three labels for the event
    rows = season(flights("holdout"), 6)[:3]
    text = "\n".join(map(cells, rows))
    answers = "\n".join(map(str, scores(rows)))
    write_lines(job.folder / "endpoint" / "a.jsonl", [captured(text, answers, "e")])
    write_lines(job.folder / "truth" / "a.jsonl", [labelled("\n".join(row["late"] for row in rows), "e")])
    # THEN three rows are compared and three have an outcome
    assert job.run() == 0
    report = job.read("report")
    assert (report["capture"]["rows"], report["model_quality"]["rows"]) == (3, 3)


def test_only_the_given_time_is_compared(job: Job) -> None:
    # GIVEN rows before, at the start of, within and at the end of an hour
    row, times = cells(flights("holdout")[0]), ("00:59:59", "01:00:00", "01:30:00", "02:00:00")
    lines = [captured(row, 0.1, str(place), time=f"2013-07-01T{time}Z") for place, time in enumerate(times)]
    write_lines(job.folder / "endpoint" / "a.jsonl", lines)
    # WHEN the window is that hour, written with an offset
    assert job.run(start_time="2013-07-01T03:00:00+02:00", end_time="2013-07-01T02:00:00Z") == 0
    # THEN the start belongs to it and the end does not
    found = job.read("report")["capture"]
    assert (found["rows"], found["left_out"]) == (2, {"outside the window": 2})
    assert (found["first"], found["last"]) == ("2013-07-01T01:00:00", "2013-07-01T01:30:00")
    # AND so it is without a start
    assert job.run(end_time="2013-07-01T02:00:00Z") == 0
    assert job.read("report")["capture"]["left_out"] == {"outside the window": 1}


def test_portions_and_shards_do_not_change_a_number(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a report made in one portion and one shard
    job.serve(flights("holdout"))
    job.run()
    expected = job.read("report"), job.read("statistics")
    # WHEN lines are read a few at a time and labels are joined in many shards
    monkeypatch.setattr(capture, "LINES", 37)
    monkeypatch.setattr(truth, "SHARD", 50)
    assert job.run() == 0
    # THEN all counts are equal and all sums agree to twelve digits
    assert_same((job.read("report"), job.read("statistics")), expected)


def test_several_processes_do_not_change_a_number(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the report of one process that read traffic and labels in four files each
    rows = flights("holdout")
    job.serve(rows)
    for path in [*(job.folder / "endpoint").rglob("*.jsonl"), *(job.folder / "truth").rglob("*.jsonl")]:
        lines = path.read_text().splitlines()
        path.unlink()
        for part in range(4):
            write_lines(path.with_name(f"{part}.jsonl"), lines[part::4])
    assert job.run() == 0
    expected = job.read("report"), job.read("statistics")
    # WHEN three processes share the files
    monkeypatch.setattr(run, "SHARE", 1000)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert job.run() == 0
    # THEN every prediction still finds its label, and the numbers are the same
    assert_same((job.read("report"), job.read("statistics")), expected)
    assert expected[0]["model_quality"]["rows"] == len(rows)


def assert_same(found: Any, expected: Any, where: str = "") -> None:
    """Equal counts, texts and keys; floating-point sums within 1e-12."""
    if isinstance(expected, dict):
        assert list(found) == list(expected), where
        for name, value in expected.items():
            assert_same(found[name], value, f"{where}.{name}")
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected), where
        for place, value in enumerate(expected):
            assert_same(found[place], value, f"{where}[{place}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12), where
    else:
        assert found == expected, where


def test_the_program_runs_alone_as_a_processing_job_starts_it(job: Job) -> None:
    """Only the standard library, NumPy and XGBoost are imported, and a model.tar.gz is unpacked."""
    job.serve(season(flights("holdout"), 6)[:50])
    check = (
        "import sys, runpy; sys.argv = [sys.argv[1]]\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as end: code = end.code\n"
        "print(code, [m for m in ('pandas', 'pyarrow', 'boto3', 'sklearn', 'pyspark') if m in sys.modules])"
    )
    environment = {"PATH": os.environ["PATH"]} | job.environment()
    job.model = None
    done = subprocess.run(
        [sys.executable, "-c", check, str(SRC / "analyse.py")],
        env={"PATH": os.environ["PATH"], **{k: v for k, v in environment.items() if k != "model_source"}},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0 []"
