"""Whatever the traffic holds, the job ends with one sentence; what could not be used is counted with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.labs.d4_model_monitor.test_analyser import (
    Documents,
    Job,
    captured,
    cells,
    features,
    flights,
    labelled,
    season,
    write_lines,
)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    job = Job(tmp_path)
    job.baseline(season(flights("train"), 6, 7))
    return job


def rows() -> list[str]:
    return [cells(row) for row in season(flights("holdout"), 6, 7)]


def changed(row: str, name: str, value: str) -> str:
    found = row.split(",")
    found[features().index(name)] = value
    return ",".join(found)


def watch(job: Job, lines: list[Documents | str], **more: str) -> dict[str, Any]:
    """Run on these lines; the job must end well."""
    write_lines(job.folder / "endpoint" / "a.jsonl", lines)
    assert job.run(**more) == 0, job.said()
    found: dict[str, Any] = job.read("report")
    return found


def violations(report: dict[str, Any], name: str) -> dict[str, str]:
    return {
        entry["constraint_check_type"]: entry["description"]
        for entry in report["violations"]
        if entry.get("feature_name") == name
    }


BROKEN: dict[str, tuple[Documents | str, str]] = {
    "half a line": (json.dumps(captured("1,2", 0.1, "x"))[:150], "not JSON, or cut off"),
    "no JSON": ("late again", "not JSON, or cut off"),
    "another JSON": ("[1, 2]", "not a capture record"),
    "no input": ({"captureData": {}, "eventMetadata": {"eventId": "x"}}, "no endpointInput"),
    "no event": ({**captured("1", 0.1, "x"), "eventMetadata": {}}, "no event id"),
    "null event": ({**captured("1", 0.1, "x"), "eventMetadata": None}, "not a capture record"),
    "bad base64": (captured("%%%", 0.1, "x", encoding="BASE64"), "data that cannot be decoded"),
    "bad body": (captured("{", 0.1, "x", observedContentType="application/json"), "rows that are neither CSV nor JSON"),
    "two in a line": ("{},{}", "not JSON, or cut off"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_line_that_cannot_be_read_is_counted_and_the_others_are_used(job: Job, name: str) -> None:
    # GIVEN one broken line among good ones
    broken, reason = BROKEN[name]
    good = [captured(row, 0.1, str(place)) for place, row in enumerate(rows())]
    # WHEN they are compared
    report = watch(job, [*good[:5], broken, *good[5:]])
    # THEN every other line is used, and the broken one is counted
    assert report["capture"]["rows"] == len(good)
    assert report["capture"]["left_out"] == {reason: 1}
    assert report["capture"]["malformed_lines"] == 1


def test_a_file_that_ends_in_the_middle_of_a_line_and_of_a_character_is_read_to_there(job: Job) -> None:
    good = [captured(row, 0.1, str(place)) for place, row in enumerate(rows())]
    path = job.folder / "endpoint" / "a.jsonl"
    write_lines(path, [*good, json.dumps({"captureData": "é"}, ensure_ascii=False)])
    path.write_bytes(path.read_bytes()[:-4])
    assert job.run() == 0
    found = job.read("report")["capture"]
    assert (found["rows"], found["malformed_lines"]) == (len(good), 1)


def test_many_broken_lines_are_a_violation(job: Job) -> None:
    lines: list[Documents | str] = [captured(row, 0.1, str(place)) for place, row in enumerate(rows())]
    report = watch(job, ["{"] * 20 + lines)
    assert "20: not JSON" in violations(report, "capture")["capture_check"]


def test_no_rows_is_said_and_is_no_violation(job: Job) -> None:
    # GIVEN an endpoint that nobody called in this hour
    report = watch(job, [captured(rows()[0], 0.1, "x")], start_time="2020-01-01T00:00:00Z")
    # THEN the report says that nothing was compared, and no figure is published for a column
    assert report["status"] == "Completed"
    assert "No row of traffic between 2020-01-01T00:00:00" in report["notes"][0]
    assert "temp" not in "".join(metric["MetricName"] for metric in job.read("metrics"))


def test_an_empty_folder_is_no_traffic(job: Job) -> None:
    (job.folder / "endpoint").mkdir()
    assert job.run() == 0
    assert job.read("report")["capture"]["rows"] == 0


def test_rows_of_another_length_are_counted_and_not_shifted_into_other_columns(job: Job) -> None:
    good = [captured(row, 0.1, str(place)) for place, row in enumerate(rows())]
    short, long = captured("1,2,3", 0.1, "short"), captured(rows()[0] + ",9", 0.1, "long")
    report = watch(job, [*good, short, long])
    assert report["capture"]["rows"] == len(good)
    found = violations(report, "capture")
    assert "1 rows have fewer values than features; 16" in found["missing_column_check"]
    assert "1 rows have more values than features; 16" in found["extra_column_check"]


def test_a_missing_and_a_new_column_are_named_when_rows_carry_names(job: Job) -> None:
    body = dict(zip(features(), rows()[0].split(","), strict=True))
    del body["temp"]
    body["snow"] = "3"
    given = json.dumps({"instances": [body]})
    report = watch(job, [captured(given, 0.1, "x", observedContentType="application/json", encoding="JSON")])
    assert "1 rows lack this column." in violations(report, "temp")["missing_column_check"]
    assert "extra_column_check" in violations(report, "snow")


def test_a_header_row_is_not_a_flight(job: Job) -> None:
    good = [captured(row, 0.1, str(place)) for place, row in enumerate(rows())]
    header = captured(",".join(features()), 0.1, "header")
    report = watch(job, [header, *good[:7], header, *good[7:]])
    assert report["capture"]["rows"] == len(good)
    assert report["capture"]["left_out"] == {"header rows": 2}


@pytest.mark.parametrize(("name", "value"), [("distance", "far"), ("departure_minute", "7.5"), ("temp", "inf")])
def test_a_value_of_another_type_is_a_violation_of_its_column(job: Job, name: str, value: str) -> None:
    lines = [captured(row, 0.1, str(place)) for place, row in enumerate(rows())]
    report = watch(job, [*lines, captured(changed(rows()[0], name, value), 0.1, "odd")])
    assert f"1 of {len(lines) + 1} values are not" in violations(report, name)["data_type_check"]
    assert report["features"][name]["rows"] == len(lines) + 1


def test_a_negative_distance_is_a_violation(job: Job) -> None:
    lines = [captured(row, 0.1, str(place)) for place, row in enumerate(rows())]
    report = watch(job, [*lines, captured(changed(rows()[0], "distance", "-5"), 0.1, "odd")])
    assert "1 of" in violations(report, "distance")["data_type_check"]


def test_an_unknown_carrier_is_named(job: Job) -> None:
    lines = [captured(row, 0.1, str(place)) for place, row in enumerate(rows())]
    odd = [captured(changed(rows()[0], "carrier", value), 0.1, value) for value in ("99", "ZZ")]
    report = watch(job, [*lines, *odd])
    assert "unknown to the baseline: 99, ZZ." in violations(report, "carrier")["categorical_values_check"]
    assert report["features"]["carrier"]["unknown"] == 2


@pytest.mark.parametrize("value", ["", "nan", "null", "NA"])
def test_a_column_that_is_always_missing_is_incomplete_and_nothing_else(job: Job, value: str) -> None:
    report = watch(job, [captured(changed(row, "temp", value), 0.1, str(place)) for place, row in enumerate(rows())])
    assert list(violations(report, "temp")) == ["completeness_check"]
    assert report["features"]["temp"]["missing_rate"]["current"] == 1
    assert report["features"]["temp"]["kolmogorov_smirnov"]["value"] is None


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("answer", ["", "nan", "7", "-inf", "late"])
def test_an_answer_that_is_no_probability_is_counted(job: Job, answer: str, plain: bool) -> None:
    # GIVEN such an answer in a line in SageMaker's own order of keys, or in another
    line = captured(rows()[0], answer, "x")
    report = watch(job, [line if plain else dict(reversed(line.items()))])
    # THEN the row counts and its score does not
    assert report["capture"]["rows"] == 1
    assert report["capture"]["rows_without_a_score"] == 1
    assert any("1 rows have no score" in note for note in report["notes"])


def test_labels_of_unknown_events_and_odd_labels_are_counted(job: Job) -> None:
    # GIVEN two captured events, labels for one of them and for events that nobody captured
    write_lines(
        job.folder / "truth" / "2013/07/09/23" / "late.jsonl",
        [labelled(1, "0"), labelled(0, "nobody"), labelled("perhaps", "1"), "{", {"eventVersion": "0"}],
    )
    report = watch(job, [captured(row, 0.9, str(place)) for place, row in enumerate(rows()[:2])])
    # THEN the one that fits is used, although it came eight days later
    assert report["model_quality"]["rows"] == 1
    assert report["ground_truth"] == {
        "a label that is no number": 1,
        "labels without a prediction": 1,
        "not JSON, or cut off": 1,
        "not a ground truth record": 1,
        "predictions without a label": 1,
    }


def test_labels_that_have_not_arrived_yet_are_said_to_be_missing(job: Job) -> None:
    (job.folder / "truth").mkdir()
    report = watch(job, [captured(rows()[0], 0.9, "0")])
    assert report["model_quality"] is None
    assert any("may arrive later" in note for note in report["notes"])


def test_an_event_captured_twice_has_one_outcome(job: Job) -> None:
    write_lines(job.folder / "truth" / "a.jsonl", [labelled(1, "0"), labelled(1, "0")])
    report = watch(job, [captured(rows()[0], 0.9, "0")] * 2)
    assert report["model_quality"]["rows"] == 1
    assert (report["ground_truth"]["captured twice"], report["ground_truth"]["labelled twice"]) == (1, 1)


def config(**changes: Any) -> Callable[[Job], dict[str, str]]:
    def change(job: Job) -> dict[str, str]:
        job.config |= changes
        return {}

    return change


def text(name: str, content: str) -> Callable[[Job], dict[str, str]]:
    def change(job: Job) -> dict[str, str]:
        path = job.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return {}

    return change


REFUSED: dict[str, tuple[Callable[[Job], dict[str, str]], str]] = {
    "mode": (lambda job: {"mode": "watch"}, "mode is 'watch'"),
    "time": (lambda job: {"start_time": "noon"}, "start_time is 'noon'"),
    "no traffic": (lambda job: {"dataset_source": "/nowhere"}, "dataset_source names /nowhere"),
    "no truth": (lambda job: {"ground_truth_source": "/nowhere"}, "ground_truth_source names /nowhere"),
    "no baseline": (lambda job: {"baseline_statistics": "/nowhere"}, "statistics file /nowhere cannot be read"),
    "broken baseline": (text("baseline/constraints.json", "{"), "is not JSON"),
    "other baseline": (text("baseline/constraints.json", '{"features": []}'), "does not know month"),
    "no features": (config(features=[]), "features must be a list"),
    "unknown name": (config(treshold=0.5), "treshold"),
    "unknown limit": (config(thresholds={"pis": 1}), "pis"),
    "categorical": (config(categorical=["color"]), "color is not among the features"),
    "facet": (config(facet={"column": "color", "favoured": [1]}), "color is not among the features"),
    "threshold": (config(threshold=50), "threshold is 50"),
    "problem": (config(problem_type="Regression"), "Only BinaryClassification"),
    "label": (config(label="temp"), "must differ"),
    "method": (config(thresholds={"method": "KS"}), "Robust or Simple"),
    "no model": (lambda job: {"model_source": str(job.folder / "endpoint")}, "holds no xgboost-model.json"),
    "broken model": (
        lambda job: text("m/xgboost-model.json", "{")(job) | {"model_source": str(job.folder / "m")},
        "is not a model",
    ),
    "broken archive": (
        lambda job: text("m/model.tar.gz", "no")(job) | {"model_source": str(job.folder / "m")},
        "is not a tar.gz archive",
    ),
    "output": (lambda job: text("file", "")(job) | {"output_path": str(job.folder / "file")}, "cannot be written"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_input_is_refused_with_one_sentence(job: Job, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN good traffic and one thing that is wrong
    write_lines(job.folder / "endpoint" / "a.jsonl", [captured(rows()[0], 0.1, "x")])
    change, expected = REFUSED[name]
    # WHEN the job runs
    code = job.run(**change(job))
    # THEN it ends with 2, and both the log and SageMaker's exit message say what was wrong
    assert code == 2
    assert job.said().startswith("Refused: ")
    assert expected in job.said()
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "holds no CSV file"),
        ("", "has no column late"),
        ("late,month\n1,2\n", "has no column weekday"),
        (",".join(["late", *features()]) + "\n", "hold no row"),
    ],
)
def test_a_baseline_without_its_columns_or_rows_is_refused(tmp_path: Path, content: str | None, expected: str) -> None:
    job = Job(tmp_path)
    (tmp_path / "data").mkdir()
    if content is not None:
        (tmp_path / "data" / "train.csv").write_text(content)
    assert job.run(mode="baseline", dataset_source=str(tmp_path / "data")) == 2
    assert expected in job.said()


def test_a_categorical_column_with_thousands_of_values_is_refused(tmp_path: Path) -> None:
    job = Job(tmp_path, categorical=["departure_minute"])
    assert job.baseline(flights("train")) == 2
    assert "departure_minute is configured as categorical but has more than 512" in job.said()


def test_a_mistake_of_the_program_is_one_sentence_with_its_place(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from analyser import run

    def broken(*_: object) -> str:
        raise ZeroDivisionError("by nobody")

    monkeypatch.setattr(run, "finish", broken)
    write_lines(job.folder / "endpoint" / "a.jsonl", [captured(rows()[0], 0.1, "x")])
    assert job.run() == 1
    assert job.said().startswith("Failed: ZeroDivisionError in test_analyser_faults.py:")
    assert "Traceback" not in capsys.readouterr().err


def test_categories_may_be_names_and_columns_may_be_in_any_order(tmp_path: Path) -> None:
    # GIVEN a baseline whose carriers are names, with the columns turned round and one more
    names = ["UA", "AA", "DL"]
    given = [row | {"carrier": names[int(row["carrier"]) % 3], "extra": "x"} for row in season(flights("train"), 6)]
    job = Job(tmp_path, facet={"column": "carrier", "favoured": ["UA"]})
    job.model = None
    assert job.baseline(given, ["extra", *reversed(features()), "late"]) == 0
    # WHEN one row of four names a carrier that the baseline does not know
    lines = [
        captured(cells(row | {"carrier": name}), 0.6, name) for row, name in zip(given, [*names, "ZZ"], strict=False)
    ]
    report = watch(job, lines)
    # THEN it is the only one unknown, and the facet was found by its name
    assert report["features"]["carrier"]["unknown_values"] == ["ZZ"]
    assert report["bias"]["current"]["CI"]["value"] == -0.5
