"""An emulated AWS in a process of its own, reachable from this machine only, gone when its parent is gone."""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from labkit.errors import UserError
from labkit.rehearsal.context import ACCOUNT, KEYS

HOST = "127.0.0.1"
START_SECONDS = 90.0
LAST_LINES = 12
READY = "READY "
# Whatever could lead a client to a real account, or to another endpoint than the emulator.
FOREIGN = ("AWS_", "BOTO_", "CDK_")
# The second says what a process does that has imported CDK already.
KEPT = ("AWS_CA_BUNDLE", "CDK_VALIDATION")


class Emulator:
    """Emulated AWS as a context manager.

    Args:
        port: None picks a free one.
        host: only the loopback address is allowed.
        progress: called with what is happening while the emulator starts.
        log: file for the emulator's output; default: one in its work folder.

    Raises:
        UserError: the port is in use, the host is not loopback, or the emulator does not start.
    """

    def __init__(
        self,
        *,
        region: str = "us-east-1",
        port: int | None = None,
        host: str = HOST,
        log: Path | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        if host not in (HOST, "localhost"):
            raise UserError(
                f"Emulator: host {host!r} given; allowed: {HOST}. It has no access control, so it never listens on a network."
            )
        self.region = region
        self.account = ACCOUNT
        self.url = ""
        self._port = port or 0
        self._progress = progress or (lambda text: None)
        self._workdir = Path(tempfile.mkdtemp(prefix="labs-rehearsal-"))
        self.log = log or self._workdir / "emulator.log"
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Emulator:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        if self._port:
            _check_free(self._port)
        self._progress("Starting the emulator")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "labkit.rehearsal.emulator",
            "--port",
            str(self._port),
            "--region",
            self.region,
            "--workdir",
            str(self._workdir),
            "--with-parent",
        ]
        environment = {**clean(os.environ), "PYTHONUNBUFFERED": "1", "PYTHONPATH": _python_path()}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
                # Ctrl-C reaches the parent alone, which then ends the child.
                start_new_session=True,
            )
        self.url = self._await_ready(self._process)
        self._progress(f"The emulator answers at {self.url}")

    def _await_ready(self, process: subprocess.Popen[str]) -> str:
        lines: queue.Queue[str | None] = queue.Queue()

        def follow() -> None:
            assert process.stdout is not None
            with process.stdout, self.log.open("a") as log:
                for line in process.stdout:
                    if line.startswith(READY):
                        lines.put(line.removeprefix(READY).strip())
                    else:
                        log.write(line)
                        log.flush()
            lines.put(None)

        threading.Thread(target=follow, daemon=True).start()
        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < START_SECONDS:
            try:
                url = lines.get(timeout=1)
            except queue.Empty:
                self._progress(f"Starting the emulator ({waited:.0f} s)")
                continue
            if url is None:
                raise UserError(f"The emulator did not start.{self._last_lines()}")
            return url
        raise UserError(f"The emulator did not answer within {START_SECONDS:.0f} s.{self._last_lines()}")

    def check(self) -> None:
        """Make sure that the emulator still runs.

        Raises:
            UserError: it ended by itself; the message holds the last lines of its log.
        """
        if not self.alive:
            code = "not started" if self._process is None else f"exit code {self._process.returncode}"
            raise UserError(f"The emulator ended half-way ({code}).{self._last_lines()}\nRun the command again.")

    @property
    def pid(self) -> int:
        """The child's process id."""
        assert self._process is not None, "the emulator is not started"
        return self._process.pid

    def environment(self) -> dict[str, str]:
        """The variables that make every AWS client of a process talk to this emulator."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "LABS_CLOCK_URL": f"{self.url}/rehearsal/clock",
        }

    @contextlib.contextmanager
    def as_environment(self, *, state: Path | None = None) -> Iterator[None]:
        """Give this process the emulator's variables, without any other AWS setting; afterwards all is as before.

        Args:
            state: where steps keep their memory meanwhile, apart from that of a lab in an account.
        """
        before = dict(os.environ)
        try:
            for name in before.keys() - clean(before).keys():
                del os.environ[name]
            os.environ.update(self.environment())
            os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1"
            if state is not None:
                os.environ["LABS_STATE"] = str(state)
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    @property
    def alive(self) -> bool:
        """Whether the child runs."""
        return self._process is not None and self._process.poll() is None

    def get(self, path: str) -> Any:
        """JSON from one of the emulator's own routes, such as ``ledger``."""
        import json
        import urllib.error
        import urllib.request

        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/rehearsal/{path}", timeout=60) as answer:
                return json.load(answer)
        except OSError:
            # A process that was killed takes a moment to be gone.
            if self._process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout=1)
            self.check()
            raise

    def stop(self) -> None:
        """End the child and remove its work folder; safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._workdir, ignore_errors=True)

    def _last_lines(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:]
        except OSError:
            lines = []
        return f" Last lines of {self.log}:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without any variable that leads to a real account or through a proxy."""
    proxies = ("http_proxy", "https_proxy", "all_proxy")
    return {
        name: value
        for name, value in environment.items()
        if (name in KEPT or not name.startswith(FOREIGN)) and name.lower() not in proxies
    }


def _python_path() -> str:
    """The folder of this project first, so that the child imports the same labkit."""
    here = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])


def _check_free(port: int) -> None:
    if not 0 < port < 65536:
        raise UserError(f"Emulator: port {port} given; allowed: 1 to 65535.")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"Emulator: port {port} on {HOST} cannot be used ({error.strerror}). Give another one, or none to have a free one picked."
            ) from None


def main() -> None:
    """Run the emulator in this process."""
    parser = argparse.ArgumentParser(
        prog="python -m labkit.rehearsal.emulator", description="Emulated AWS on loopback."
    )
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--workdir", type=Path)
    parser.add_argument("--with-parent", action="store_true", help="end when standard input ends")
    given = parser.parse_args()
    try:
        if given.port:
            _check_free(given.port)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    if given.with_parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Ends serve_forever() in the main thread, so that whatever was started is stopped.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    from labkit.rehearsal.server import serve

    workdir = given.workdir or Path(tempfile.mkdtemp(prefix="labs-rehearsal-"))
    with contextlib.suppress(KeyboardInterrupt):
        serve(
            port=given.port,
            region=given.region,
            workdir=workdir,
            ready=lambda url: print(READY + url, flush=True),
            with_parent=given.with_parent,
        )


if __name__ == "__main__":
    main()
