"""How far apart normal days lie: the thresholds of monitor.json come from here.

    python calibrate.py ../data/baseline.csv 200

Weather comes in days, so flights of one day are not independent, and textbook tests raise an alarm over any two weeks.
This draws whole days instead, with replacement (a block bootstrap): as many days as there are play the baseline, as
many the traffic, of which 1000 rows are kept, and the analyser compares them. What 95 of 100 such pairs do not exceed
is normal: without drift a monitor with that limit is wrong one time in twenty. The limits in monitor.json are rounded
up from there.
"""

import csv
import json
import random
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

from analyser import run
from analyser.baseline import WATCHED
from analyser.bias import NEUTRAL
from analyser.quality import BETTER_WHEN_LOWER
from analyser.settings import Places, read_plan

HERE = Path(__file__).parent
ROWS = 1000
SEED = 7


def days(path: Path) -> tuple[list[str], list[list[list[str]]]]:
    """The header of a file, and its rows by day: rows are in order of departure, and a day begins when minutes fall."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    month, weekday = header.index("month"), header.index("weekday")
    return header, [list(day) for _, day in groupby(rows, key=lambda row: (row[month], row[weekday]))]


def compare(header: list[str], traffic: list[list[str]], known: list[list[str]], folder: Path) -> dict[str, Any]:
    """The report of the analyser on these rows."""
    plan = read_plan(HERE / "monitor.json")
    places = Places(
        mode="baseline",
        dataset=folder / "known.csv",
        ground_truth=folder / "outcomes.jsonl",
        model=HERE / "model",
        statistics=folder / "statistics.json",
        constraints=folder / "constraints.json",
        output=folder,
        message=folder / "message",
        dimensions=(),
    )
    places.dataset.write_text("".join(",".join(row) + "\n" for row in [header, *known]))
    run.make_baseline(places, plan)
    (folder / "traffic.jsonl").write_text("".join(captured(number, row) for number, row in enumerate(scored(traffic))))
    (folder / "outcomes.jsonl").write_text("".join(outcome(number, row) for number, row in enumerate(traffic)))
    run.watch(Places(**{**vars(places), "mode": "monitor", "dataset": folder / "traffic.jsonl"}), plan)
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


def scored(rows: list[list[str]]) -> list[tuple[list[str], float]]:
    """Rows with what the model says."""
    import numpy as np
    import xgboost as xgb

    model = xgb.Booster(model_file=HERE / "model" / "xgboost-model.json")
    table = np.array([[float(cell) if cell else np.nan for cell in row[1:]] for row in rows], dtype=np.float32)
    scores = model.predict(xgb.DMatrix(table, feature_names=model.feature_names, nthread=1))
    return list(zip(rows, scores.tolist(), strict=True))


def captured(number: int, row: tuple[list[str], float]) -> str:
    """A line as the endpoint captures it."""
    cells, score = row
    part = {"observedContentType": "text/csv", "encoding": "CSV"}
    data = {
        "endpointInput": {**part, "mode": "INPUT", "data": ",".join(cells[1:])},
        "endpointOutput": {**part, "mode": "OUTPUT", "data": f"{score:.6f}"},
    }
    about = {"eventId": str(number), "inferenceTime": "2013-01-01T00:00:00Z"}
    return json.dumps({"captureData": data, "eventMetadata": about, "eventVersion": "0"}) + "\n"


def outcome(number: int, row: list[str]) -> str:
    """A line as outcomes are filed."""
    about = {"groundTruthData": {"data": row[0], "encoding": "CSV"}, "eventMetadata": {"eventId": str(number)}}
    return json.dumps({**about, "eventVersion": "0"}) + "\n"


def measures(report: dict[str, Any]) -> dict[str, float]:
    """What the limits are compared with; of a measure with an interval, the end that a limit is compared with."""
    columns = {**report["features"], "prediction": report["prediction_drift"]}
    label = report["label_drift"]["rate"]
    found = {
        "distance": max(column["distance"][report["thresholds"]["method"]] for column in columns.values()),
        "psi": max(column["psi"]["value"] for column in columns.values()),
        "completeness": max(
            column["missing_rate"]["current"] - column["missing_rate"]["baseline"]
            for column in report["features"].values()
        ),
        "label": abs(label["current"] - label["baseline"]),
        "ndcg": -report["attribution_drift"]["ndcg"],
    }
    for name in WATCHED:
        measured = report["model_quality"]["current"][name]
        if measured["low"] is not None:
            lower = name in BETTER_WHEN_LOWER
            found[f"quality {name}"] = measured["low"] if lower else -measured["high"]
    for name, value in report["bias"]["current"].items():
        if value["low"] is not None:
            neutral = NEUTRAL.get(name, 0.0)
            found[f"bias {name}"] = max(value["low"] - neutral, neutral - value["high"])
    return found


def main(path: Path, times: int) -> None:
    """Print what 95 of 100 comparisons of normal days do not exceed."""
    header, by_day = days(path)
    choose = random.Random(SEED)  # noqa: S311 - repeatable, nothing secret
    seen: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        for _ in range(times):
            known, traffic = ([row for day in choose.choices(by_day, k=len(by_day)) for row in day] for _ in range(2))
            traffic = choose.sample(traffic, ROWS)
            for measure, value in measures(compare(header, traffic, known, Path(name))).items():
                seen.setdefault(measure, []).append(value)
    turned = {"ndcg", *(f"quality {name}" for name in WATCHED if name not in BETTER_WHEN_LOWER)}
    for measure, values in seen.items():
        values.sort()
        usual, limit = (values[int(len(values) * share)] for share in (0.5, 0.95))
        sign = -1 if measure in turned else 1  # of these, less is worse
        print(f"{measure:20} usually {sign * usual:.4f}, limit {sign * limit:.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
