"""Rows per second and peak memory of the traffic analyser against the obvious pandas way, on the same files.

The traffic is made of real flights: each copy of a row has its own event, a small jitter in temperature and pressure,
and a label that comes later. Both programs run as processes of their own, one after the other, and give per column
population stability index, Kolmogorov-Smirnov distance, chi-squared and missing rate, and quality against the labels.
Peak memory is that of the largest process; the analyser has one per processor. A program that needs more than LIMIT of
memory is stopped and printed as "-".
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLIGHTS = ROOT / "labs" / "d3_realtime_endpoint" / "data"
ANALYSE = ROOT / "labs" / "d4_model_monitor" / "src" / "analyse.py"
PANDAS_HOME = ROOT / ".venv" / "bench"
ROWS = (100_000, 1_000_000, 10_000_000)
LIMIT = 12 << 30  # bytes a program may use
FILE = 100_000  # rows of a file; an hour of a busy endpoint

# The obvious way: every line into a list, the list into a DataFrame, the statistics from whole columns.
PANDAS = """
import glob, json, sys
import numpy as np, pandas as pd
from scipy import stats
from sklearn import metrics
traffic, truth, names, out = sys.argv[1], sys.argv[2], json.loads(sys.argv[4]), sys.argv[5]
rows, events, scores = [], [], []
for path in sorted(glob.glob(traffic + "/**/*.jsonl", recursive=True)):
    for line in open(path):
        record = json.loads(line)
        rows.append(record["captureData"]["endpointInput"]["data"].split(","))
        scores.append(float(record["captureData"]["endpointOutput"]["data"]))
        events.append(record["eventMetadata"]["eventId"])
current = pd.DataFrame(rows, columns=names).apply(pd.to_numeric)
current["score"], current["event"] = scores, events
labels = [json.loads(line) for path in sorted(glob.glob(truth + "/**/*.jsonl", recursive=True)) for line in open(path)]
labels = pd.DataFrame({"event": [l["eventMetadata"]["eventId"] for l in labels],
                       "late": [int(l["groundTruthData"]["data"]) for l in labels]})
baseline = pd.read_csv(sys.argv[3])
found = {}
for name in names:
    before, after = baseline[name].dropna(), current[name].dropna()
    edges = np.unique(np.quantile(before, np.arange(1, 10) / 10))
    p = np.bincount(np.searchsorted(edges, before, side="right"), minlength=len(edges) + 1) + .5
    q = np.bincount(np.searchsorted(edges, after, side="right"), minlength=len(edges) + 1) + .5
    p, q = p / p.sum(), q / q.sum()
    found[name] = {"psi": float(np.sum((q - p) * np.log(q / p))), "missing": float(current[name].isna().mean()),
                   "mean": float(after.mean()), "std": float(after.std()), "min": float(after.min()),
                   "max": float(after.max()), "ks": float(stats.ks_2samp(before, after, method="asymp").statistic)}
    if name in ("carrier", "origin", "destination"):
        table = pd.concat([before.value_counts(), after.value_counts()], axis=1).fillna(0).T
        found[name]["chi2"] = float(stats.chi2_contingency(table, correction=False).statistic)
joined = current.merge(labels, on="event")
predicted = joined["score"] >= .5
found["quality"] = {"auc": metrics.roc_auc_score(joined["late"], joined["score"]),
                    "log_loss": metrics.log_loss(joined["late"], joined["score"]),
                    "brier": metrics.brier_score_loss(joined["late"], joined["score"]),
                    "f1": metrics.f1_score(joined["late"], predicted),
                    "accuracy": metrics.accuracy_score(joined["late"], predicted)}
groups = joined.groupby("origin")
found["bias"] = (groups["late"].mean().to_dict(), groups["score"].mean().to_dict())
json.dump(found, open(out, "w"))
"""


def write(folder: Path, rows: int) -> None:
    """Write this many captured rows and their labels, in files as data capture makes them."""
    with (FLIGHTS / "holdout.csv").open(newline="") as file:
        flights = list(csv.DictReader(file))
    names = [name for name in flights[0] if name != "late"]
    temp, pressure = names.index("temp"), names.index("pressure")
    for number, first in enumerate(range(0, rows, FILE)):
        hour = f"2013/07/{1 + number // 24:02}/{number % 24:02}"
        places = [folder / kind / hour / "00.jsonl" for kind in ("endpoint", "truth")]
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
        with places[0].open("w") as captured, places[1].open("w") as labelled:
            for place in range(first, min(rows, first + FILE)):
                flight = flights[place % len(flights)]
                cells = [flight[name] for name in names]
                if cells[temp]:
                    cells[temp] = f"{float(cells[temp]) + place % 997 / 1000:.3f}"
                if cells[pressure]:
                    cells[pressure] = f"{float(cells[pressure]) + place % 9973 / 10000:.4f}"
                score = 0.05 + (place * 7919 % 1_000_003) / 1_200_000
                captured.write(
                    '{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"'
                    f'{",".join(cells)}","encoding":"CSV"}},"endpointOutput":{{"observedContentType":"text/csv; '
                    f'charset=utf-8","mode":"OUTPUT","data":"{score:.6f}\\n","encoding":"CSV"}}}},"eventMetadata":'
                    f'{{"eventId":"4f6c9d1e-0000-4000-8000-{place:012}","inferenceTime":"2013-07-01T00:00:00Z"}},'
                    '"eventVersion":"0"}\n'
                )
                labelled.write(
                    f'{{"groundTruthData":{{"data":"{flight["late"]}","encoding":"CSV"}},"eventMetadata":'
                    f'{{"eventId":"4f6c9d1e-0000-4000-8000-{place:012}"}},"eventVersion":"0"}}\n'
                )


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float, float] | None:
    """Give wall seconds, processor seconds and peak megabytes of a program; nothing if it ran out of memory."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))

    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=limit
    )
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        if "MemoryError" in said or "Unable to allocate" in said or process.returncode < 0:
            return None
        raise SystemExit(f"{command[0]} failed: {said[-2000:]}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    """Print one line per number of rows: both programs side by side."""
    if not (PANDAS_HOME / "pandas").exists():
        raise SystemExit("pandas is not installed. Run: make bench")
    with (FLIGHTS / "train.csv").open() as file:
        names = file.readline().strip().split(",")[1:]
    print("rows      analyser rows/s  processor s  peak MB   pandas rows/s  processor s  peak MB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = {
            "features": names,
            "label": "late",
            "categorical": ["carrier", "origin", "destination"],
            "facet": {"column": "origin", "favoured": [1]},
        }
        (folder / "config.json").write_text(json.dumps(config))
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        common = kept | {"config": str(folder / "config.json"), "message_path": str(folder / "message")}
        made = {
            "mode": "baseline",
            "dataset_source": str(FLIGHTS / "train.csv"),
            "output_path": str(folder / "baseline"),
        }
        subprocess.run([sys.executable, str(ANALYSE)], check=True, env=common | made, stdout=subprocess.DEVNULL)
        exhausted = False
        for rows in ROWS:
            traffic = folder / str(rows)
            write(traffic, rows)
            places = {
                "dataset_source": str(traffic / "endpoint"),
                "ground_truth_source": str(traffic / "truth"),
                "baseline_statistics": str(folder / "baseline" / "statistics.json"),
                "baseline_constraints": str(folder / "baseline" / "constraints.json"),
                "output_path": str(folder / "output"),
            }
            ours = measured([sys.executable, str(ANALYSE)], common | places)
            arguments = [places["dataset_source"], places["ground_truth_source"], str(FLIGHTS / "train.csv")]
            command = [sys.executable, "-c", PANDAS, *arguments, json.dumps(names), str(folder / "pandas.json")]
            theirs = None if exhausted else measured(command, kept | {"PYTHONPATH": str(PANDAS_HOME)})
            exhausted = theirs is None
            print(f"{rows:8}  {shown(rows, ours)}  {shown(rows, theirs)}", flush=True)
            subprocess.run(["rm", "-r", str(traffic)], check=True)  # noqa: S607
        if exhausted:
            print(f"-: stopped at {LIMIT >> 30} GB of memory")


def shown(rows: int, found: tuple[float, float, float] | None) -> str:
    if found is None:
        return f"{'-':>15}  {'-':>11}  {'-':>7}"
    wall, processor, megabytes = found
    return f"{rows / wall:15,.0f}  {processor:11.1f}  {megabytes:7,.0f}"


if __name__ == "__main__":
    main()
