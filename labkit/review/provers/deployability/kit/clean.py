"""Makes any JSON value safe to read: functions are well formed, nothing is nested too deeply, keys are text."""

from __future__ import annotations

from typing import Any

from stacks.rules.kit.values import is_function

# CloudFormation's own properties nest less than twenty levels; conditions and functions add a few.
DEEPEST = 60
UNREADABLE = "Fn::Unreadable"


def cleaned(value: Any) -> tuple[Any, list[tuple[str, str]]]:
    """Return a copy without what cannot be read, and (path, reason) for each part that was taken out.

    Takes time in proportion to the value's size, and no recursion.
    """
    top: list[Any] = [None]
    removed: list[tuple[str, str]] = []
    stack: list[tuple[Any, Any, Any, tuple[Any, ...], int]] = [(value, top, 0, (), 0)]
    while stack:
        current, parent, key, trail, depth = stack.pop()
        if depth > DEEPEST and isinstance(current, (dict, list)):
            parent[key] = {UNREADABLE: ""}
            removed.append((_path(trail), f"nested more than {DEEPEST} levels deep"))
            continue
        if isinstance(current, dict):
            fault = _malformed(current) if is_function(current) else ""
            if fault:
                parent[key] = {UNREADABLE: ""}
                removed.append((_path(trail), fault))
                continue
            copy: Any = {str(name): None for name in current}
            items: list[tuple[Any, Any]] = [(str(name), item) for name, item in current.items()]
        elif isinstance(current, list):
            copy = [None] * len(current)
            items = list(enumerate(current))
        else:
            parent[key] = current
            continue
        parent[key] = copy
        stack += [(item, copy, name, (trail, name), depth + 1) for name, item in items]
    return top[0], removed


def _path(trail: tuple[Any, ...]) -> str:
    steps: list[str] = []
    while trail:
        trail, step = trail
        steps.append(str(step))
    return ".".join(reversed(steps[:8])) + ("…" if len(steps) > 8 else "")


def _malformed(function: dict[str, Any]) -> str:
    name, argument = next(iter(function.items()))
    good = True
    if name == "Ref":
        good = isinstance(argument, str)
    elif name == "Fn::GetAtt":
        listed = isinstance(argument, list) and len(argument) >= 2 and isinstance(argument[0], str)
        good = listed or (isinstance(argument, str) and "." in argument)
    elif name == "Fn::Sub":
        pair = isinstance(argument, list) and len(argument) == 2
        good = isinstance(argument, str) or (
            pair and isinstance(argument[0], str) and isinstance(argument[1], dict) and not is_function(argument[1])
        )
    elif name in ("Fn::Join", "Fn::Select", "Fn::Split"):
        good = isinstance(argument, list) and len(argument) == 2
    elif name == "Fn::If":
        good = isinstance(argument, list) and len(argument) == 3 and isinstance(argument[0], str)
    return "" if good else f"{name} is not written as CloudFormation reads it"
