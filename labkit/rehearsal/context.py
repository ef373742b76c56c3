"""What the parts of the emulator share: the clock, the ledger, a client to the emulator itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from labkit.rehearsal import lazily
from labkit.rehearsal.clock import Clock
from labkit.rehearsal.ledger import Ledger

ACCOUNT = "123456789012"
# Marks the emulator's own calls to itself.
OWN_CALLS = "labs-emulator"
# What a caller inside the emulator signs with. moto's accounts hang on the key, so steps and emulator share one.
KEYS = {"aws_access_key_id": "AKIAREHEARSAL0000000", "aws_secret_access_key": "rehearsal"}


@dataclass
class Context:
    """One emulator.

    Args:
        url: the emulator itself, ``http://localhost:PORT``.
        workdir: folder for worker files and logs; the parent removes it.
    """

    url: str
    workdir: Path
    region: str = "us-east-1"
    account: str = ACCOUNT
    clock: Clock = field(default_factory=Clock)
    ledger: Ledger = field(default_factory=Ledger)

    def __post_init__(self) -> None:
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._shutdown: list[Callable[[], None]] = []
        self._routes: dict[str, Callable[[str, str, bytes], Any]] = {}

    @cached_property
    def partition(self) -> str:
        """``aws``, ``aws-us-gov`` or ``aws-cn``, from the region."""
        if self.region.startswith("us-gov-"):
            return "aws-us-gov"
        return "aws-cn" if self.region.startswith("cn-") else "aws"

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client to the emulator itself (one per service, shared by all threads)."""
        from botocore.config import Config

        region = region or self.region
        with self._lock:
            if (service, region) not in self._clients:
                config = Config(
                    retries={"total_max_attempts": 1},
                    read_timeout=900,
                    max_pool_connections=50,
                    inject_host_prefix=False,
                    user_agent=OWN_CALLS,  # the whole of it: composing boto3's own is a tenth of a call
                )
                self._clients[service, region] = self._session.client(
                    service, region_name=region, endpoint_url=self.url, config=config, **KEYS
                )
            return self._clients[service, region]

    @cached_property
    def _session(self) -> Any:
        import boto3

        return boto3.Session()

    def on_import(self, module: str, patch: Callable[[ModuleType], None]) -> None:
        """Have ``patch(module)`` called right after ``module`` is imported, at once if it is imported already.

        This is how moto is amended without importing what a lab does not use.
        """
        lazily.on_import(module, patch)

    def route(self, prefix: str, handler: Callable[[str, str, bytes], Any]) -> None:
        """Answer ``/rehearsal/<prefix>...`` with ``handler(method, rest of the path, body)`` as JSON."""
        self._routes[prefix] = handler

    def routes(self) -> dict[str, Callable[[str, str, bytes], Any]]:
        """The registered routes, by prefix."""
        return dict(self._routes)

    def on_shutdown(self, callback: Callable[[], None]) -> None:
        """Have ``callback()`` called when the emulator stops, last registered first."""
        self._shutdown.append(callback)

    def shutdown(self) -> None:
        """Call what :meth:`on_shutdown` registered; one that fails does not keep the others from being called."""
        while self._shutdown:
            try:
                self._shutdown.pop()()
            except Exception as error:
                print(f"at shutdown: {error!r}", flush=True)
