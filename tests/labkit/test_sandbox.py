"""The commands that need an account, typed against emulated AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from labkit.catalogue import ROOT
from labkit.rehearsal.emulator import Emulator

LABS = Path(sys.executable).parent / "labs"
LAB = "d1_data_lake"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(region="us-east-1") as running:
        yield running


# The commands look at an account every five seconds; what is emulated is done in less.
IMPATIENT = "import time\nsleep = time.sleep\ntime.sleep = lambda seconds: sleep(min(seconds, 0.2))\n"


def labs(emulator: Emulator, *arguments: str, code: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text(IMPATIENT)
        done = subprocess.run(
            [str(LABS), *arguments], capture_output=True, text=True, check=False, cwd=ROOT,
            env={**environment, **emulator.environment(), "PYTHONPATH": folder},
        )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_a_lab_lives_from_doctor_to_destroy(emulator: Emulator) -> None:
    # GIVEN an account that is ready, and a choice that every command hears, so that the lab is synthesized once
    keep = ("--set", "hours_to_live=0")
    checks = {row["what"]: row["state"] for row in json.loads(labs(emulator, "doctor", LAB, "--json", *keep))}
    assert {checks[name] for name in ("credentials", "CDK bootstrap", "stack")} == {"good"}

    # WHEN the lab is not deployed, running it says so
    assert f"Run: labs deploy {LAB}" in labs(emulator, "run", LAB, *keep, code=2)

    # THEN it deploys; deploying again is harmless; and one step runs
    assert "RawBucketName" in labs(emulator, "deploy", LAB, "--yes", *keep)
    assert "up to date" in labs(emulator, "deploy", LAB, "--yes", *keep)
    assert "Next: labs verify" in labs(emulator, "run", LAB, "01", *keep)

    # AND the verification fails, since the lesson did not happen
    claims = json.loads(labs(emulator, "verify", LAB, "--json", *keep, code=1))
    assert any(claim["problem"] for claim in claims)
    assert not all(claim["problem"] for claim in claims)

    # AND it is removed, twice without harm
    assert "Nothing that costs money is left." in labs(emulator, "destroy", LAB, *keep)
    assert "Nothing that costs money is left." in labs(emulator, "destroy", LAB, *keep)


def test_a_lab_that_is_forgotten_removes_itself(emulator: Emulator) -> None:
    import urllib.request

    choice = ("--set", "hours_to_live=2")
    labs(emulator, "deploy", LAB, "--yes", *choice)
    clock = emulator.environment()["LABS_CLOCK_URL"]
    with urllib.request.urlopen(clock) as answer:
        began = datetime.fromisoformat(json.load(answer)["now"])
    wait = json.dumps({"seconds": timedelta(hours=2, minutes=10).total_seconds()}).encode()
    with urllib.request.urlopen(clock, data=wait, timeout=600) as answer:
        assert datetime.fromisoformat(json.load(answer)["now"]) >= began + timedelta(hours=2)
    assert "not deployed" in labs(emulator, "run", LAB, *choice, code=2)


def test_an_account_without_bootstrap_is_told_the_command(emulator: Emulator) -> None:
    import boto3

    environment = emulator.environment()
    choice = ("--set", "hours_to_live=2")
    keys = {
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
    }
    parameters = boto3.client("ssm", region_name="us-east-1", endpoint_url=emulator.url, **keys)
    name = "/cdk-bootstrap/hnb659fds/version"
    parameters.delete_parameter(Name=name)
    try:
        assert "npx cdk bootstrap aws://123456789012/us-east-1" in labs(
            emulator, "deploy", LAB, "--yes", *choice, code=2
        )
    finally:
        parameters.put_parameter(Name=name, Value="30", Type="String")
