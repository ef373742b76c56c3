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
        with urllib.request.urlopen(f"{self.url}/rehearsal/{what}", data=data, timeout=600) as answer:
            return json.load(answer)

    def early(self) -> datetime:
        """Go on to the beginning of a minute: what follows is measured in one minute, however slow the machine is."""
        now = self.now()
        return self.advance(60 - now.second - now.microsecond / 1e6)

    def wait(self, probe: Callable[[], Any], *, seconds: float = 3600) -> Any:
        """Advance the clock until ``probe`` is truthy.

        Args:
            seconds: emulated; while jobs run, thirty of them are a second of the machine.
        """
        for _ in range(int(seconds / 15)):
            if found := probe():
                return found
            self.advance(15)
        raise AssertionError(f"not within {seconds} emulated seconds")

    def clear(self) -> None:
        """Remove what each later minute of emulated time would go on to measure and evaluate."""
        used = {
            name: self.client(name)
            for name in ("application-autoscaling", "sagemaker", "cloudwatch")
            if name in self.clients
        }
        if scaling := used.get("application-autoscaling"):
            for target in scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]:
                named = {name: target[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
                scaling.deregister_scalable_target(**named)
        if sagemaker := used.get("sagemaker"):
            for endpoint in sagemaker.list_endpoints(MaxResults=100)["Endpoints"]:
                sagemaker.delete_endpoint(EndpointName=endpoint["EndpointName"])
        if cloudwatch := used.get("cloudwatch"):
            found = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
            names = [alarm["AlarmName"] for alarm in found["CompositeAlarms"] + found["MetricAlarms"]]
            cloudwatch.delete_alarms(AlarmNames=names)


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """An emulator that lives for the whole test run."""
    with emulation.Emulator() as running:
        yield Emulator(running.url, running.pid)
