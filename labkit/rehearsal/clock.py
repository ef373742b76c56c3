"""A clock that a rehearsal can advance: hours of waiting cost no time, and whatever time drives is evaluated."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

TICK = timedelta(seconds=60)
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.05

Callback = Callable[[datetime], None]


class Clock:
    """Real time plus an offset that only grows."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._subscribers: list[Callback] = []
        self._advancing = threading.RLock()
        self._work = threading.Condition()
        self._running = 0
        self._awaited: list[Callable[[], bool]] = []

    def now(self) -> datetime:
        """The emulated time, aware, in UTC."""
        return datetime.now(UTC) + self._offset

    def subscribe(self, callback: Callback) -> None:
        """Have ``callback(now)`` called at each tick of at most 60 seconds while time is advanced."""
        self._subscribers.append(callback)

    def advance(self, seconds: float) -> datetime:
        """Let time pass in ticks of 60 seconds, then return the new time.

        Work that was under way when time was advanced takes no emulated time: it is waited for first.
        """
        if seconds < 0:
            raise ValueError(f"Time cannot go back: {seconds} seconds given; 0 or more are allowed.")
        self._wait_for_work()
        with self._advancing:
            left = timedelta(seconds=seconds)
            while left > timedelta():
                tick = min(left, TICK)
                self._offset += tick
                left -= tick
                for callback in tuple(self._subscribers):
                    callback(self.now())
                for ready in tuple(self._awaited):
                    self._resume(ready)
                self._wait_for_work()
        return self.now()

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Mark work that must end before emulated time goes on, such as the creation of a stack.

        Whatever runs inside must not call :meth:`advance`.
        """
        with self._work:
            self._running += 1
        try:
            yield
        finally:
            with self._work:
                self._running -= 1
                self._work.notify_all()

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Inside :meth:`working`: let emulated time go on until ``ready()``, which is asked again after every tick.

        No tick passes between the one that makes it true and the work that goes on then.
        """
        if ready():
            return
        with self._work:
            self._awaited.append(ready)
            self._running -= 1
            self._work.notify_all()
        while True:
            with self._work:
                if ready not in self._awaited:
                    return
                self._work.wait(LOOK_SECONDS)
            self._resume(ready)

    def _resume(self, ready: Callable[[], bool]) -> None:
        """Have the work that awaits ``ready`` go on, if it may."""
        try:
            over = ready()
        except Exception:
            over = True  # what went wrong shows again where the work asks next
        with self._work:
            if over and ready in self._awaited:
                self._awaited.remove(ready)
                self._running += 1
                self._work.notify_all()

    def _wait_for_work(self) -> None:
        give_up = time.monotonic() + PATIENCE_SECONDS
        with self._work:
            while self._running and (patience := give_up - time.monotonic()) > 0:
                self._work.wait(patience)
