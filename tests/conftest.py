"""What many tests share: the labs, and each lab synthesized once per run however many processes test it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from labkit.assembly import Assembly
from labkit.catalogue import ROOT, Lab, find
from labkit.engine import environment
from labkit.synth import synth

OUT = ROOT / "cdk.out" / ".tests"
LABS = find()

# CDK's own validator takes seconds to start: the gate runs it once, in a process of its own.
os.environ.update(environment())

# Nothing outside may be reached by accident; the emulator's tests set what they need.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


# Each takes up to a minute: begun first, and spread over the processes one by one.
LONG = "tests/labs/test_rehearsals.py"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay in one process, so that what they share is made once; rehearsals go one by one."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if nodeid.startswith(LONG) else str(super()._split_scope(nodeid))

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests come first, so that no process works on alone at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One process at a time; the others find what the first one made."""
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def synthesized(lab: Lab, *, place: str = "default", **given: Any) -> Assembly:
    """A lab's assembly with some settings; made once, then read: nothing of one test is in another's."""
    return Assembly.read(_made(lab, place, json.dumps(given, sort_keys=True)))


@cache
def _made(lab: Lab, place: str, given: str) -> Path:
    """The folder of an assembly; other settings lie in another folder, so that no process takes it from another."""
    name = place if given == "{}" else f"{place}-{hashlib.sha256(given.encode()).hexdigest()[:8]}"
    with _alone(name):
        return synth([lab], given=json.loads(given), out=OUT / name, file=None)[0].assembly.folder


def unaccepted(assembly: Assembly) -> list[dict[str, Any]]:
    """The findings of the packs for which no acceptance stands."""
    accepted = {(row["engine"], row["rule"], name) for row in assembly.accepted for name in row["logical_ids"]}
    return [row for row in assembly.findings if (row["engine"], row["finding"], row["logical_id"]) not in accepted]


def validated(lab: Lab) -> Assembly:
    """A lab's assembly made with CDK's own validator on; all labs are made at once, in another process."""
    return Assembly.read(_validated() / lab.name)


@cache
def _validated() -> Path:
    out = OUT / "validated"
    code = (
        "from pathlib import Path; from labkit.catalogue import find; from labkit.synth import synth;"
        f"synth(find(), out=Path({str(out)!r}), file=None, validate=True)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CDK_VALIDATION"}
    with _alone("validated"):
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)
    return out


@pytest.fixture(params=LABS, ids=lambda lab: lab.name)
def lab(request: pytest.FixtureRequest) -> Lab:
    """Each lab in turn."""
    found: Lab = request.param
    return found


@pytest.fixture
def assembly(lab: Lab) -> Assembly:
    """The lab with default settings."""
    return synthesized(lab)


@pytest.fixture
def synthesize() -> Callable[..., Assembly]:
    """Synthesize a lab with settings of the test's own."""
    return synthesized


@pytest.fixture
def validated_assembly(lab: Lab) -> Assembly:
    """The lab as the gate sees it."""
    return validated(lab)


@pytest.fixture
def root() -> Path:
    """The top of the project."""
    return ROOT


@pytest.fixture
def today() -> Any:
    """A fixed day before the review dates, so that no test begins to fail by itself."""
    from datetime import date

    return date(2026, 12, 1)
