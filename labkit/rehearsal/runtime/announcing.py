"""Events that services put on the default bus, with the emulated time."""

from __future__ import annotations

import json
import queue
import threading
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.waiting import Hold

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


def announce(context: Context, source: str, kind: str, detail: dict[str, Any], resources: list[str]) -> None:
    """Put the event ``kind`` of ``source`` (``aws.codebuild``) on the default bus.

    A target that fails is that target's failure, never that of the service that told.
    """
    entry = {
        "Time": context.clock.now(),
        "Source": source,
        "DetailType": kind,
        "Detail": json.dumps(detail, default=str),
        "Resources": resources,
    }
    try:
        context.client("events").put_events(Entries=[entry])
    except Exception as problem:
        context.ledger.note(f"the event {kind} was not delivered: {problem}", about=source)


class Announcer:
    """Delivers events in the order they were told, in a thread of its own; emulated time waits for them.

    Whoever tells may hold a lock that a target of the event needs.
    """

    def __init__(self, context: Context, source: str) -> None:
        self._context, self._source = context, source
        self._waiting: queue.Queue[tuple[Hold, str, dict[str, Any], list[str]]] = queue.Queue()
        threading.Thread(target=self._work, name=f"events of {source}", daemon=True).start()

    def tell(self, kind: str, detail: dict[str, Any], resources: list[str]) -> None:
        """Have the event delivered."""
        self._waiting.put((Hold(self._context), kind, detail, resources))

    def _work(self) -> None:
        while True:
            hold, kind, detail, resources = self._waiting.get()
            announce(self._context, self._source, kind, detail, resources)
            hold.end()
