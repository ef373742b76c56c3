"""One job's container: a program in a process of its own that finds ``/opt/ml`` and nothing of this machine's AWS settings."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

_LAUNCH = Path(__file__).with_name("inside") / "launch.py"
_FROM_HERE = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
_OUTPUT_PATIENCE = 10.0


class Container:
    """A running program.

    Args:
        root: stands for ``/opt``; its folder ``ml`` is the job's ``/opt/ml``.
        command: program and arguments; ``python3`` is this project's Python.
        environment: what the program finds set, besides a few settings of this machine's that are not about AWS.
        folder: where it starts, as the program names it.
        isolated: whether it has no network at all.
        memory: bytes it may map.
        port: what it may reach on loopback when it is not isolated.
        write: takes each batch of lines of output.
        namespaces: False tries the way for machines whose kernel grants no namespaces.
    """

    def __init__(
        self,
        *,
        root: Path,
        command: Sequence[str],
        environment: dict[str, str],
        folder: str,
        isolated: bool,
        memory: int,
        port: int,
        write: Callable[[list[str]], None],
        namespaces: bool = True,
    ) -> None:
        home = root.parent / "home"
        home.mkdir(exist_ok=True)
        here = {name: os.environ[name] for name in _FROM_HERE if name in os.environ}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        settings = {
            "root": str(root),
            "command": list(command),
            "environment": {
                **here,
                "PATH": path,
                "HOME": str(home),
                "TMPDIR": str(home),
                "PYTHONUNBUFFERED": "1",
                **environment,
            },
            "folder": folder,
            "isolated": isolated,
            "memory": memory,
            "port": 0 if isolated else port,
            "namespaces": namespaces,
        }
        told, telling = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCH), json.dumps(settings), str(telling)],
                env={},
                pass_fds=[telling],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A group of its own, so that what it starts gets its signals too.
                start_new_session=True,
            )
        finally:
            os.close(telling)
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=_read, args=(self._process.stdout, write), daemon=True)
        self._reader.start()
        with os.fdopen(told, "rb") as report:
            how = json.loads(report.readline() or b"{}")
        self.places = str(how.get("places", ""))
        self.network = str(how.get("network", ""))
        self.cpu_seconds = 0.0
        self.peak_memory = 0

    def poll(self) -> int | None:
        """The exit code once the program has ended; all its output has been written by then."""
        if self._process.returncode is None:
            pid, status, used = os.wait4(self._process.pid, os.WNOHANG)
            if not pid:
                return None
            self._process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu_seconds, self.peak_memory = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024
            # Whatever it started and left behind keeps the pipe open.
            self._signal(signal.SIGKILL)
            self._reader.join(_OUTPUT_PATIENCE)
        return self._process.returncode

    def ask_to_end(self) -> None:
        """Send SIGTERM to the program and to what it started."""
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        if self._process.returncode is None:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _read(pipe: IO[bytes], write: Callable[[list[str]], None]) -> None:
    pending = b""
    with pipe:
        while chunk := os.read(pipe.fileno(), 1 << 16):
            whole, newline, pending = (pending + chunk).rpartition(b"\n")
            if newline:
                _pass_on(whole, write)
    _pass_on(pending, write)


def _pass_on(text: bytes, write: Callable[[list[str]], None]) -> None:
    lines = [line for line in text.decode(errors="replace").splitlines() if line.strip()]
    if lines:
        write(lines)
