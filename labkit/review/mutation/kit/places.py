"""Places in a template, and copies with one place changed that share everything else with the original."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

Template = dict[str, Any]
Path = tuple[str | int, ...]
Change = Callable[[Any], Any]


def at(value: Any, path: Path) -> Any:
    """Return what stands at a path."""
    for step in path:
        value = value[step]
    return value


def changed(value: Any, path: Path, change: Change) -> Any:
    """Return a copy with another value at a path; what the path does not touch is shared, not copied."""
    if not path:
        return change(value)
    copy = value.copy()
    step: Any = path[0]
    inner = value.get(step) if isinstance(value, dict) else value[step]
    copy[step] = changed(inner, path[1:], change)
    return copy


def put(value: Any, path: Path, new: Any) -> Any:
    """Return a copy with a value at a path."""
    return changed(value, path, lambda _: new)


def dropped(value: Any, path: Path) -> Any:
    """Return a copy without what stands at a path."""

    def without(holder: Any) -> Any:
        copy = holder.copy()
        del copy[path[-1]]
        return copy

    return changed(value, path[:-1], without)


def found(template: Template, pattern: str) -> Iterator[Path]:
    """Yield the places of a pattern such as ``AWS::S3::Bucket Properties.Tags.*``.

    The type may hold wildcards. In the path, ``*`` stands for each item of a list or map and ``**`` for any depth.
    """
    type_, _, path = pattern.partition(" ")
    steps = path.split(".") if path else []
    for logical_id, body in template["Resources"].items():
        if fnmatchcase(body["Type"], type_):
            yield from _walk(body, steps, ("Resources", logical_id))


def _walk(value: Any, steps: list[str], trail: Path) -> Iterator[Path]:
    if not steps:
        yield trail
        return
    step, rest = steps[0], steps[1:]
    if step == "**":
        yield from _walk(value, rest, trail)
    for name, inner in items(value):
        if step == "**":
            yield from _walk(inner, steps, (*trail, name))
        elif step == "*" or step == name:
            yield from _walk(inner, rest, (*trail, name))


def items(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield the items of a list or map with their index or name."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def type_at(template: Template, path: Path) -> str:
    """The type of the resource that a path is in."""
    return str(template["Resources"][path[1]]["Type"])


def shown(path: Path) -> str:
    """A path as text, from the logical id on."""
    return ".".join(str(step) for step in path[1:])
