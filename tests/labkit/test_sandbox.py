"""The commands that need an account, typed against emulated AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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


def labs(emulator: Emulator, *arguments: str, code: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [str(LABS), *arguments], capture_output=True, text=True, check=False, cwd=ROOT,
        env={**environment, **emulator.environment()},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_a_lab_lives_from_doctor_to_destroy(emulator: Emulator) -> None:
    # GIVEN an account that is ready
    checks = {row["what"]: row["state"] for row in json.loads(labs(emulator, "doctor", LAB, "--json"))}
    assert {checks[name] for name in ("credentials", "CDK bootstrap", "stack")} == {"good"}

    # WHEN the lab is not deployed, running it says so
    assert f"Run: labs deploy {LAB}" in labs(emulator, "run", LAB, code=2)

    # THEN it deploys; deploying again is harmless; and one step runs
    keep = ("--set", "hours_to_live=0")
    assert "RawBucketName" in labs(emulator, "deploy", LAB, "--yes", *keep)
    assert "up to date" in labs(emulator, "deploy", LAB, "--yes", *keep)
    assert "Next: labs verify" in labs(emulator, "run", LAB, "01")

    # AND the verification fails, since the lesson did not happen
    claims = json.loads(labs(emulator, "verify", LAB, "--json", code=1))
    assert any(claim["problem"] for claim in claims)
    assert not all(claim["problem"] for claim in claims)

    # AND it is removed, twice without harm
    assert "Nothing that costs money is left." in labs(emulator, "destroy", LAB)
    assert "Nothing that costs money is left." in labs(emulator, "destroy", LAB)


def test_a_lab_that_is_forgotten_removes_itself(emulator: Emulator) -> None:
    import urllib.request

    labs(emulator, "deploy", LAB, "--yes", "--set", "hours_to_live=2")
    clock = emulator.environment()["LABS_CLOCK_URL"]
    with urllib.request.urlopen(clock) as answer:
        began = datetime.fromisoformat(json.load(answer)["now"])
    wait = json.dumps({"seconds": timedelta(hours=2, minutes=10).total_seconds()}).encode()
    with urllib.request.urlopen(clock, data=wait, timeout=300) as answer:
        assert datetime.fromisoformat(json.load(answer)["now"]) >= began + timedelta(hours=2)
    assert "not deployed" in labs(emulator, "run", LAB, code=2)


def test_an_account_without_bootstrap_is_told_the_command(emulator: Emulator) -> None:
    import boto3

    environment = emulator.environment()
    keys = {
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
    }
    parameters = boto3.client("ssm", region_name="us-east-1", endpoint_url=emulator.url, **keys)
    name = "/cdk-bootstrap/hnb659fds/version"
    parameters.delete_parameter(Name=name)
    try:
        assert "npx cdk bootstrap aws://123456789012/us-east-1" in labs(emulator, "deploy", LAB, "--yes", code=2)
    finally:
        parameters.put_parameter(Name=name, Value="30", Type="String")
