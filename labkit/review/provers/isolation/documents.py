"""Reads JSON that stands as text in a template, with references kept as references."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from labkit.review.provers.deployability.kit.clean import cleaned
from stacks.rules.kit.values import is_function, texts

_WHOLE = re.compile(r"\$\{([A-Za-z0-9:]+)(?:\.([A-Za-z0-9.]+))?\}")
_MOST_CHARACTERS = 2_000_000


def document(value: Any) -> Any:
    """Return what a text holds as JSON, or the value itself if it is no text; ``None`` if it cannot be read."""
    if isinstance(value, (dict, list)) and not is_function(value):
        return value
    for text in texts(value)[:1]:
        if text.lstrip()[:1] in ("{", "[") and len(text) < _MOST_CHARACTERS:
            try:
                return _referring(cleaned(json.loads(text))[0])
            except (ValueError, RecursionError):
                return None
    return None


def _referring(value: Any) -> Any:
    """Turn ``${Logical.Attribute}`` back into the function that it came from."""
    if isinstance(value, dict):
        return {key: _referring(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_referring(item) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    match = _WHOLE.fullmatch(value)
    if match is None:
        return {"Fn::Sub": value}
    return {"Fn::GetAtt": [match[1], match[2]]} if match[2] else {"Ref": match[1]}


def objects(value: Any, trail: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Yield every object in a value with the objects around it, outermost first."""
    stack = [(value, trail)]
    while stack:
        current, around = stack.pop()
        if isinstance(current, dict):
            yield around, current
            stack += [(item, (*around[-6:], current)) for item in reversed(list(current.values()))]
        elif isinstance(current, list):
            stack += [(item, around) for item in reversed(current)]
