"""Pages of a List call, and the times it is asked with."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

_MOST = 100


def page(response: Any, member: str, entries: list[Any]) -> dict[str, Any]:
    """One page of ``entries`` as the request asks for it, with the token of the next."""
    start = int(base64.b64decode(response._get_param("NextToken") or b"MA=="))
    most = int(response._get_param("MaxResults") or _MOST)
    answer: dict[str, Any] = {member: entries[start : start + most]}
    if start + most < len(entries):
        answer["NextToken"] = base64.b64encode(str(start + most).encode()).decode()
    return answer


def moment(given: Any) -> datetime | None:
    """A time of a request, aware."""
    if given is None or isinstance(given, datetime):
        return given if given is None or given.tzinfo else given.replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(given), UTC)
