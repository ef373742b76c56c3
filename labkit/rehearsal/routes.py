"""The rehearsal's own routes: the clock, the ledger, and the answers of custom resources."""

from __future__ import annotations

import json
from typing import Any

from labkit.rehearsal import leftovers
from labkit.rehearsal.context import Context
from labkit.rehearsal.types import custom


def install(context: Context) -> None:
    """Register ``/rehearsal/clock``, ``/rehearsal/ledger``, ``/rehearsal/answers`` and ``/rehearsal/inventory``."""
    custom.install(context)
    leftovers.install(context)

    def clock(method: str, rest: str, body: bytes) -> dict[str, str]:
        now = context.clock.advance(float(_content(body)["seconds"])) if method == "POST" else context.clock.now()
        return {"now": now.isoformat()}

    def ledger(method: str, rest: str, body: bytes) -> dict[str, Any]:
        return context.ledger.as_json()

    context.route("clock", clock)
    context.route("ledger", ledger)


def _content(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
        float(content["seconds"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f'{body[:80]!r} given; a JSON object such as {{"seconds": 60}} is needed') from None
    return dict(content)
