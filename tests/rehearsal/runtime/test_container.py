"""A job's program finds its places and nothing else, with and without the kernel's help."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from labkit.rehearsal.runtime.container import Container

LOOK = """
import os, socket, subprocess, sys
print(open("/opt/ml/input/data.txt").read())
open("/opt/ml/model/out.txt", "w").write(os.environ["PLACE"])
print("argument", sys.argv[1])
try:
    socket.create_connection(("127.0.0.1", 9), timeout=2)
except OSError as error:
    print("network:", error)
"""


def run(folder: Path, *, namespaces: bool, isolated: bool = True) -> tuple[int, list[str], Container]:
    """Run the program in a container; exit code, lines and the container."""
    ml = folder / "opt" / "ml"
    for place in ("input", "model"):
        (ml / place).mkdir(parents=True)
    (ml / "input" / "data.txt").write_text("what it reads")
    (ml / "look.py").write_text(LOOK)
    lines: list[str] = []
    container = Container(
        root=folder / "opt",
        command=["python3", "/opt/ml/look.py", "/opt/ml/model"],
        environment={"PLACE": "/opt/ml/model"},
        folder="/opt/ml",
        isolated=isolated,
        memory=2 << 30,
        port=9,
        write=lines.extend,
        namespaces=namespaces,
    )
    give_up = time.monotonic() + 30
    while (code := container.poll()) is None and time.monotonic() < give_up:
        time.sleep(0.01)
    assert code is not None
    return code, lines, container


@pytest.mark.parametrize("namespaces", [True, False])
def test_a_program_finds_its_places_and_no_network(tmp_path: Path, namespaces: bool) -> None:
    # WHEN a program reads and writes below /opt/ml and calls out
    code, lines, container = run(tmp_path, namespaces=namespaces)
    # THEN it found its own folder there, and nobody
    assert (code, lines[0]) == (0, "what it reads")
    assert (tmp_path / "opt" / "ml" / "model" / "out.txt").read_text().endswith("/ml/model")
    assert "unreachable" in lines[-1] or "network isolation is on" in lines[-1]
    # AND the container says how
    assert container.network in ("namespace", "audit hook")
    assert (container.places == "rewritten paths") or namespaces


def test_a_program_that_is_not_isolated_reaches_the_emulators_port_and_no_other(tmp_path: Path) -> None:
    # GIVEN a program that calls the one port that it may call
    _, lines, _ = run(tmp_path / "same", namespaces=True, isolated=False)
    # THEN the kernel answers, not the guard
    assert "refused" in lines[-1]
    assert "rehearsal" not in lines[-1]


def test_a_program_that_maps_more_memory_than_its_instance_has_is_refused_it(tmp_path: Path) -> None:
    # GIVEN a program that wants 1 GiB of 256 MiB
    (tmp_path / "opt" / "ml").mkdir(parents=True)
    lines: list[str] = []
    container = Container(
        root=tmp_path / "opt",
        command=["python3", "-c", "bytearray(1 << 30)"],
        environment={},
        folder="/opt/ml",
        isolated=True,
        memory=256 << 20,
        port=0,
        write=lines.extend,
    )
    while (code := container.poll()) is None:
        time.sleep(0.01)
    # THEN it gets an error
    assert code == 1
    assert "MemoryError" in lines[-1]
