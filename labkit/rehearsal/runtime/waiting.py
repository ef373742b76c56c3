"""Work in the background that emulated time waits for."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


class Hold:
    """Keeps emulated time from going on while it is taken; taking it twice is the same as once."""

    def __init__(self, context: Context) -> None:
        self._clock = context.clock
        self._lock = threading.Lock()
        self._taken: ExitStack | None = None
        self._over = False
        self.take()

    def take(self) -> None:
        """Have emulated time wait for this work."""
        with self._lock:
            if self._taken is None and not self._over:
                self._taken = ExitStack()
                self._taken.enter_context(self._clock.working())

    def end(self) -> None:
        """Let emulated time go on for good."""
        self._over = True
        self.release()

    def release(self) -> None:
        """Let emulated time go on until it is taken again."""
        with self._lock:
            if self._taken is not None:
                self._taken.close()
                self._taken = None
