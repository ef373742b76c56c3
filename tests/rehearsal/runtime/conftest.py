"""One small emulator for all tests of the runtime, and what they need to talk to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

KEYS = {"aws_access_key_id": "AKIAREHEARSAL0000000", "aws_secret_access_key": "rehearsal"}
ACCOUNT = "123456789012"


@dataclass
class Emulator:
    """The small emulator, from outside."""

    url: str
    pid: int
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client to it."""
        if service not in self.clients:
            import boto3
            from botocore.config import Config

            config = Config(retries={"total_max_attempts": 1}, parameter_validation=service != "sagemaker-runtime")
            self.clients[service] = boto3.client(
                service, region_name="us-east-1", endpoint_url=self.url, config=config, **KEYS
            )
        return self.clients[service]

    def advance(self, seconds: float) -> datetime:
        """Let emulated time pass."""
        return datetime.fromisoformat(self.call("clock", {"seconds": seconds})["now"])

    def now(self) -> datetime:
        """The emulated time."""
        return datetime.fromisoformat(self.call("clock")["now"])

    def call(self, what: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the emulator itself."""
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(f"{self.url}/rehearsal/{what}", data=data, timeout=300) as answer:
            return json.load(answer)

    def wait(self, probe: Callable[[], Any], *, seconds: float = 900) -> Any:
        """Advance the clock until ``probe`` is truthy."""
        for _ in range(int(seconds / 15)):
            if found := probe():
                return found
            self.advance(15)
        raise AssertionError(f"not within {seconds} emulated seconds")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator that lives for the whole test run."""
    workdir = tmp_path_factory.mktemp("emulator")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != "LABS_CLOCK_URL"
    }
    with (workdir / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("small_server.py")), str(port), str(workdir)],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    url = f"http://localhost:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, (workdir / "server.log").read_text()
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
            except OSError:
                time.sleep(0.1)
        yield Emulator(url, process.pid)
        Emulator(url, process.pid).call("shutdown")
    finally:
        process.terminate()
        process.wait(10)
        print((workdir / "server.log").read_text()[-4000:])
