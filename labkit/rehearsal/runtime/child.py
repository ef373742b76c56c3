"""A worker process that answers one request at a time and never outlives the emulator."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from labkit.rehearsal.runtime.inside.channel import MARK, VARIABLE, Channel, ClosedError

_ROOT = Path(__file__).resolve().parents[3]
# The user's modules must not find ours by accident, so the way to them is closed again.
_BEGIN = (
    "import importlib, sys; sys.path.insert(0, sys.argv[1]); "
    "module = importlib.import_module('labkit.rehearsal.runtime.inside.' + sys.argv[2]); "
    "sys.path.remove(sys.argv[1]); module.main()"
)
_FROM_HERE = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
_OUTPUT_PATIENCE = 10.0


class GoneError(Exception):
    """The worker ended, or was ended because it took too long."""


def clean_environment(**variables: str) -> dict[str, str]:
    """The least that Python needs from this process, and ``variables``; no key or setting of the user leaks."""
    here = {name: os.environ[name] for name in _FROM_HERE if name in os.environ}
    return {**here, "PYTHONUNBUFFERED": "1", **variables}


class Child:
    """One worker process.

    Args:
        module: the module of ``inside`` whose ``main`` runs.
        environment: the whole environment of the worker.
        folder: its working directory.
        write: called with each batch of lines of its output.
    """

    def __init__(
        self, module: str, *, environment: dict[str, str], folder: Path, write: Callable[[list[str]], None]
    ) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BEGIN, str(_ROOT), module],
                env={**environment, VARIABLE: str(theirs.fileno())},
                cwd=folder,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        self._channel = Channel(ours)
        self._lock = threading.Lock()
        self._write = write
        self._marks = threading.Semaphore(0)
        self.pid = self._process.pid
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read_output, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def tell(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Send a frame that is not answered on its own."""
        with contextlib.suppress(ClosedError):
            self._channel.write(header, body)

    def ask(self, header: dict[str, Any] | None, body: bytes = b"", *, timeout: float) -> tuple[dict[str, Any], bytes]:
        """Send a request and return its answer; all output of the request has been written by then.

        Args:
            header: None only waits for the next answer.

        Raises:
            TimeoutError: no answer within ``timeout`` seconds; the worker has been killed.
            GoneError: the worker ended without an answer.
        """
        with self._lock:
            try:
                if header is not None:
                    self._channel.write(header, body)
                answer = self._channel.read(timeout)
            except TimeoutError:
                self.kill()
                raise
            except (ClosedError, OSError) as error:
                self.kill()
                raise GoneError(f"the process ended with status {self._process.returncode}") from error
            self._marks.acquire(timeout=_OUTPUT_PATIENCE)
            return answer

    def kill(self) -> None:
        """End the process and wait until it is gone and its output is read."""
        self._process.kill()
        self._process.wait()
        if threading.current_thread() is not self._reader:
            self._reader.join(_OUTPUT_PATIENCE)
        self._channel.close()

    def _read_output(self, pipe: IO[bytes]) -> None:
        pending = b""
        with pipe:
            while chunk := os.read(pipe.fileno(), 1 << 16):
                *requests, pending = (pending + chunk).split(MARK)
                for text in requests:
                    self._pass_on(text)
                    self._marks.release()
                whole, newline, pending = pending.rpartition(b"\n")
                if newline:
                    self._pass_on(whole)
        self._pass_on(pending)

    def _pass_on(self, text: bytes) -> None:
        lines = [line for line in text.decode(errors="replace").split("\n") if line.strip()]
        if lines:
            self._write(lines)
