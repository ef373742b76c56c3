"""What workers print, in CloudWatch Logs, stamped with the emulated time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_LOCK = threading.Lock()


def write(context: Context, group: str, stream: str, lines: list[str]) -> None:
    """Append ``lines``; the group and the stream are created where they are missing, as the services do."""
    from moto.logs.models import logs_backends

    stamp = int(context.clock.now().timestamp() * 1000)
    backend = logs_backends[context.account][context.region]
    with _LOCK:
        backend.ensure_log_group(group)
        backend.ensure_log_stream(group, stream)
    # Outside the lock: a subscription filter may call a function, which logs. Not by the backend's own call, which
    # compares with real time and would refuse what an advanced clock stamps.
    backend.groups[group].put_log_events(stream, [{"timestamp": stamp, "message": line} for line in lines])
