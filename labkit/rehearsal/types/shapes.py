"""Template properties brought into the shape of an API call, and compared with what the API reads back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

# CloudFormation writes a tag as Key and Value in nearly every type; a few APIs name it otherwise.
ALIASES = {"key": ("tagkey",), "value": ("tagvalue",)}


def fitted(value: Any, shape: Any, path: str, drop: Callable[[str], None]) -> Any:
    """``value`` with the API's spelling and types; names that the API lacks are told to ``drop`` and left out."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        made = {}
        for name, item in value.items():
            if item is None:
                continue
            member = next(
                (members[try_] for try_ in (name.lower(), *ALIASES.get(name.lower(), ())) if try_ in members), None
            )
            where = f"{path}.{name}" if path else name
            if member is None:
                drop(where)
            else:
                made[member] = fitted(item, shape.members[member], where, drop)
        return made
    if kind == "list":
        return [fitted(item, shape.member, path, drop) for item in (value if isinstance(value, list) else [value])]
    if kind == "map":
        if isinstance(value, list):
            value = {item["Key"]: item["Value"] for item in value}
        return {name: fitted(item, shape.value, f"{path}.{name}", drop) for name, item in value.items()}
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if kind == "string" and not isinstance(value, str):
        if isinstance(value, bool):
            return "true" if value else "false"
        return json.dumps(value) if isinstance(value, dict | list) else str(value)
    return value


def lost(sent: Any, read: Any, path: str = "") -> list[str]:
    """Paths of ``sent`` that ``read`` lacks or has otherwise; spelling of names and types of scalars do not matter."""
    if isinstance(sent, dict | list) and isinstance(read, str):
        try:
            read = json.loads(read)
        except ValueError:
            return [path]
    if isinstance(sent, dict):
        if not isinstance(read, dict):
            return [path] if sent else []
        found = {key.lower(): item for key, item in read.items()}
        return [
            problem
            for key, item in sent.items()
            for problem in (
                lost(item, found[key.lower()], _join(path, key))
                if key.lower() in found
                else ([] if item in (None, [], {}, "") else [_join(path, key)])
            )
        ]
    if isinstance(sent, list):
        if not isinstance(read, list) or len(read) < len(sent):
            return [path]
        if all(not isinstance(item, dict | list) for item in sent):
            return [] if {str(item) for item in sent} <= {str(item) for item in read} else [path]
        return [
            problem
            for number, item in enumerate(sent)
            for problem in (
                [] if any(not lost(item, other) for other in read) else lost(item, read[number], f"{path}[{number}]")
            )
        ]
    return [] if _scalar(sent) == _scalar(read) else [path]


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(float(value))
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True)
    text = str(value)
    if text[:1] in "{[":
        try:
            return json.dumps(json.loads(text), sort_keys=True)
        except ValueError:
            return text
    try:
        return str(float(text))
    except ValueError:
        return text.lower() if text.lower() in ("true", "false") else text
