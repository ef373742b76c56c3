"""The command line: results for people and machines, one message for a mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.catalogue import ROOT, find

LABS = Path(sys.executable).parent / "labs"


def labs(*arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(LABS), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_list_has_one_line_per_lab_in_a_pipe() -> None:
    lines = labs("list").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == [lab.name for lab in find()]


def test_list_speaks_json() -> None:
    assert [entry["name"] for entry in json.loads(labs("list", "--json").stdout)] == [lab.name for lab in find()]


def test_show_tells_steps_and_quotas() -> None:
    text = labs("show", "d3-realtime-endpoint").stdout
    assert "Steps" in text
    assert "1. " in text
    assert "L-614B09FD" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show", "d3_realtime_endpiont"], "Did you mean d3_realtime_endpoint?"),
        (["synth", "nothing"], "There is no lab 'nothing'"),
        (["synth", "--set", "cidr=1.2.3.4/8"], "setting cidr: got '1.2.3.4/8'"),
        (["synth", "--set", "zones"], "write NAME=VALUE"),
        (["cost", "d3_realtime_endpoint", "--set", "colour=1"], "setting colour: unknown"),
        (["rehearse"], "Name a lab, or say --all"),
        (["frobnicate"], "No such command"),
        (["show"], "Missing argument"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments: list[str], told: str) -> None:
    done = labs(*arguments, code=2)
    assert told in done.stderr
    assert len(done.stderr.splitlines()) <= 8


def test_missing_credentials_are_explained() -> None:
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "HOME": "/nonexistent"}
    done = labs("destroy", "d3_realtime_endpoint", code=2, **nowhere)
    assert "No AWS credentials" in done.stderr
    assert "labs rehearse" in done.stderr


def test_cost_is_told_before_anything_is_created() -> None:
    cost = json.loads(labs("cost", "d3_realtime_endpoint", "--json").stdout)
    assert cost["currency"] == "USD"
    text = labs("cost", "d3_realtime_endpoint").stdout
    assert "per hour" in text
    assert "if forgotten" in text
    assert "after destroy" in text


def test_ctrl_c_stops_a_rehearsal_with_one_message_and_leaves_no_process() -> None:
    import signal
    import time

    process = subprocess.Popen(
        [str(LABS), "rehearse", "d2_train_private"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A run of tests in the background of a shell ignores Ctrl-C, and what it starts inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr
    for line in process.stderr:
        if "CREATE_IN_PROGRESS" in line:
            break
    children = subprocess.run(
        ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    assert children
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(timeout=60) == 130
    assert rest.rstrip().endswith("Interrupted.")
    assert "Traceback" not in rest
    give_up = time.monotonic() + 60
    while (left := [child for child in children if Path(f"/proc/{child}").exists()]) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert left == []
