"""A clock that a rehearsal can advance: hours of waiting cost no time, and whatever time drives is evaluated."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

TICK = timedelta(seconds=60)
# Longer than any work that gives up by itself, such as a model that does not load.
PATIENCE_SECONDS = 180.0
LOOK_SECONDS = 0.05
# How often waiting work asks anew by itself; it also asks when any work ends.
ASK_SECONDS = 0.25

Callback = Callable[[datetime], None]


class Clock:
    """Real time plus an offset that only grows."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._subscribers: list[Callback] = []
        self._advancing = threading.RLock()
        self._work = threading.Condition()
        self._running = 0
        self._ticking = False
        self._awaited: list[Callable[[], bool]] = []

    def now(self) -> datetime:
        """The emulated time, aware, in UTC."""
        return datetime.now(UTC) + self._offset

    @property
    def ticking(self) -> bool:
        """Whether what time drives is being called now."""
        return self._ticking

    def subscribe(self, callback: Callback) -> None:
        """Have ``callback(now)`` called at each tick of at most 60 seconds while time is advanced."""
        self._subscribers.append(callback)

    def advance(self, seconds: float) -> datetime:
        """Let time pass in ticks of 60 seconds, then return the new time.

        Work that was under way when time was advanced takes no emulated time: it is waited for first, and so is the
        work that goes on because of it.
        """
        if seconds < 0:
            raise ValueError(f"Time cannot go back: {seconds} seconds given; 0 or more are allowed.")
        self._settle()
        with self._advancing:
            left = timedelta(seconds=seconds)
            while left > timedelta():
                tick = min(left, TICK)
                left -= tick
                self._tick(tick)
                self._settle()
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

        No tick passes between what makes it true and the work that goes on then, which begins after all that the
        tick drives.
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
                self._work.wait(ASK_SECONDS)
            if not self._ticking:
                self._resume(ready)

    def _tick(self, length: timedelta) -> None:
        """Move on once, and call whatever time drives."""
        self._ticking = True
        try:
            self._offset += length
            for callback in tuple(self._subscribers):
                callback(self.now())
        finally:
            self._ticking = False

    def _settle(self) -> None:
        """Have the work go on that may, until nothing is under way but what awaits more time."""
        while True:
            for ready in tuple(self._awaited):
                self._resume(ready)
            if not self._wait_for_work():
                return

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

    def _wait_for_work(self) -> bool:
        """Wait until no work is under way; whether some was, and has ended within patience.

        Looks are counted, not seconds: a machine that was paused has lost no patience.
        """
        with self._work:
            worked = self._running > 0
            for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
                if not self._running:
                    break
                self._work.wait(LOOK_SECONDS)
            return worked and not self._running
