"""Objects in JSON that stands as text in a template: pipeline definitions, state machines, environments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stacks.rules.kit.values import Found, texts

_MOST_CHARACTERS = 2_000_000


def objects(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object within a value with its path, also within text that holds JSON.

    Functions in a text stand as ``${Logical.Attribute}``, as ``values.texts`` writes them.
    """
    stack: list[Found] = [(path, value)]
    while stack:
        at, current = stack.pop()
        if isinstance(current, dict):
            yield at, current
            read = [(at, inner) for text in texts(current) for inner in _read(text)] if len(current) == 1 else []
            stack += read or [(f"{at}.{name}" if at else str(name), inner) for name, inner in current.items()]
        elif isinstance(current, list):
            stack += [(f"{at}.{number}", inner) for number, inner in enumerate(current)]
        elif isinstance(current, str):
            stack += [(at, inner) for inner in _read(current)]


def _read(text: str) -> list[Any]:
    if text.lstrip()[:1] not in ("{", "[") or len(text) > _MOST_CHARACTERS:
        return []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [found] if isinstance(found, (dict, list)) else []
