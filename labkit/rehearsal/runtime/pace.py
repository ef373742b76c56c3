"""Emulated time goes on at a bounded pace while jobs run, so that a poll every 15 seconds sees a job in all its states."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

# Emulated seconds per second of real work: a poll every 15 seconds costs half a second.
RATE = 30.0
_LONGEST_TICK = 60.0


class Pace:
    """Slows the emulated clock down while there is work that takes real time, without ever stopping it."""

    def __init__(self, context: Context) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._last = context.clock.now()
        context.clock.subscribe(self._tick)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Mark work during which emulated time goes on at :data:`RATE` at most."""
        with self._changed:
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _tick(self, now: datetime) -> None:
        passed = min((now - self._last).total_seconds(), _LONGEST_TICK)
        self._last = now
        until = time.monotonic() + passed / RATE
        with self._changed:
            while self._running and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
