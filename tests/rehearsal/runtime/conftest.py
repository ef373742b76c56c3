"""One emulator for all tests of the runtime, and what they need to talk to it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from labkit.rehearsal import emulator as emulation
from labkit.rehearsal.context import KEYS


@dataclass
class Emulator:
    """The emulator, from outside."""

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
def emulator() -> Iterator[Emulator]:
    """An emulator that lives for the whole test run."""
    with emulation.Emulator() as running:
        yield Emulator(running.url, running.pid)
