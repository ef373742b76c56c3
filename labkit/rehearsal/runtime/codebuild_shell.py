"""The shell of one build: commands run one after the other, in one process group, with one way out of the network."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from labkit.rehearsal.runtime.relay import Relay

# Commands come in on 3 and their exit status goes out on 4; what they start sees neither. When a command ends the
# shell itself, the next shell goes on in the same folder with the same exported variables.
_LOOP = """
trap 'labs_code=$?; export -p > {state}/env; pwd > {state}/cwd; exit $labs_code' EXIT
[ -f {state}/env ] && . {state}/env; [ -f {state}/cwd ] && cd "$(cat {state}/cwd)"
while IFS= read -r labs_next <&3; do
    . "$labs_next" 3<&- 4>&-
    echo $? >&4
done
trap - EXIT
"""
_OUTPUT_PATIENCE = 10.0
ROOT = Path(__file__).resolve().parents[3]
BEGIN = "import sys; sys.path.insert(0, sys.argv[1]); from labkit.rehearsal.runtime.inside import build_shell; build_shell.main()"


class Shell:
    """Runs commands.

    Args:
        folder: for the shell's own files, outside of what commands see as theirs.
        source: where the first command starts.
        program: ``sh`` or ``bash``.
        port: of the emulator.
        write: takes each line of output.
    """

    def __init__(
        self,
        *,
        folder: Path,
        source: Path,
        environment: dict[str, str],
        port: int,
        write: Callable[[str], None],
        program: str = "sh",
    ) -> None:
        self._folder, self._source, self._environment = folder, source, environment
        self._port, self._write, self._program = port, write, program
        self._process: subprocess.Popen[bytes] | None = None
        self._relay: Relay | None = None
        self._stopped = threading.Event()
        self._number = 0
        self._commands = self._status = -1
        self.isolated = True
        folder.mkdir(parents=True, exist_ok=True)
        read, self._output = os.pipe()
        self._reader = threading.Thread(target=self._read_output, args=(read,), daemon=True)
        self._reader.start()

    def say(self, line: str) -> None:
        """Put a line of our own between the commands' output."""
        os.write(self._output, line.encode() + b"\n")

    def run(self, command: str, *, deadline: Callable[[], bool] = lambda: False) -> int | None:
        """The exit status of ``command``; None where :meth:`stop` was called or the deadline passed, and all is ended."""
        if self._stopped.is_set():
            return None
        if self._process is None or self._process.poll() is not None:
            self._start()
        assert self._process is not None
        self._number += 1
        script = self._folder / f"command{self._number}.sh"
        script.write_text(command + "\n")
        with contextlib.suppress(BrokenPipeError):
            os.write(self._commands, f"{script}\n".encode())
        told = b""
        while not told.endswith(b"\n"):
            if self._stopped.is_set() or deadline():
                self.stop()
                return None
            if not select.select([self._status], [], [], 0.1)[0] and self._process.poll() is None:
                continue
            # A background process may hold the descriptor though the shell is gone.
            chunk = os.read(self._status, 64) if select.select([self._status], [], [], 0)[0] else b""
            if not chunk:
                code = self._process.wait()
                return None if self._stopped.is_set() else code
            told += chunk
        return int(told)

    def variables(self) -> dict[str, str]:
        """The variables that commands exported by now."""
        if self._stopped.is_set():
            return {}
        out = self._folder / "variables"
        if self.run(f"env -0 > {shlex.quote(str(out))}") is None:
            return {}
        pairs = out.read_bytes().decode(errors="replace").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)

    def stop(self) -> None:
        """End the shell and everything it started."""
        self._stopped.set()
        self._kill()

    def close(self) -> None:
        """End what still runs, and return when all output is passed on."""
        self._kill()
        for end in (self._commands, self._status):
            if end >= 0:
                os.close(end)
        if self._relay is not None:
            self._relay.close()
        os.close(self._output)
        self._reader.join(_OUTPUT_PATIENCE)

    def _kill(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _start(self) -> None:
        if self._relay is not None:
            self._relay.close()
        for end in (self._commands, self._status):
            if end >= 0:
                os.close(end)
        commands, self._commands = os.pipe()
        self._status, status = os.pipe()
        ours, theirs = socket.socketpair()
        passed = (theirs.fileno(), commands, status)
        loop = _LOOP.format(state=shlex.quote(str(self._folder)))
        with ours:
            with theirs:
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-P", "-c", BEGIN, str(ROOT), "build_shell"),
                        *(str(number) for number in (*passed, self._port)),
                        *(self._program, "-c", loop),
                    ],
                    env=self._environment,
                    cwd=self._source,
                    pass_fds=passed,
                    stdin=subprocess.DEVNULL,
                    stdout=self._output,
                    stderr=self._output,
                    start_new_session=True,
                )
            os.close(commands)
            os.close(status)
            answer, received, _, _ = socket.recv_fds(ours, 1, 1)
            self.isolated = answer == b"+"
            self._relay = Relay(socket.socket(fileno=received[0]), self._port) if received else None
            with contextlib.suppress(OSError):
                ours.sendall(b".")

    def _read_output(self, pipe: int) -> None:
        with open(pipe, "rb") as lines:
            for line in lines:
                if text := line.decode(errors="replace").rstrip("\r\n"):
                    self._write(text)
