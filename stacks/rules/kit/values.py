"""Reads values that hold references, conditions and other functions of CloudFormation."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Found = tuple[str, Any]

_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")
_MOST_CASES = 64


def is_function(value: Any) -> bool:
    """Tell whether a value is a reference or another function, so that only CloudFormation knows the result."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (name,) = value
    return name == "Ref" or (isinstance(name, str) and name.startswith("Fn::"))


def cases(value: Any) -> Iterator[Any]:
    """Yield each value that ``Fn::If`` may choose; ``None`` stands for ``AWS::NoValue``."""
    if not is_function(value):  # nearly always
        yield value
        return
    stack = [value]
    while stack:
        current = stack.pop()
        branches = current.get("Fn::If") if is_function(current) else None
        if isinstance(branches, list) and len(branches) == 3:
            stack += [branches[2], branches[1]]
        else:
            yield None if current == {"Ref": "AWS::NoValue"} else current


def each(value: Any, path: str, *, at: str = "") -> Iterator[Found]:
    """Yield (path, value) of each possible value at a dotted path; ``*`` stands for each item of a list or map.

    What is absent gives ``None``; an absent list has no items. A function in the middle of the path is given as it is.

    Args:
        value: where the path starts.
        path: property names joined by dots.
        at: the path of ``value`` itself, put before each path found.
    """
    yield from _walk(value, path.split("."), (at,) if at else ())


def _walk(value: Any, steps: list[str], trail: tuple[str, ...]) -> Iterator[Found]:
    for case in cases(value):
        if not steps:
            yield ".".join(trail), case
        elif is_function(case):
            yield ".".join((*trail, *steps)), case
        elif steps[0] == "*":
            items: Iterable[tuple[Any, Any]] = ()
            if isinstance(case, list):
                items = enumerate(case)
            elif isinstance(case, dict):
                items = case.items()
            for name, item in items:
                if item is not None and item != {"Ref": "AWS::NoValue"}:
                    yield from _walk(item, steps[1:], (*trail, str(name)))
        else:
            inner = case.get(steps[0]) if isinstance(case, dict) else None
            yield from _walk(inner, steps[1:], (*trail, steps[0]))


def as_list(value: Any) -> list[Any]:
    """Return the items of a value that may be one item or a list, with every case of a conditional item."""
    if isinstance(value, str):
        return [value]
    items = value if isinstance(value, list) else [value]
    return [case for item in items for one in cases(item) for case in _flat(one) if case is not None]


def _flat(value: Any) -> list[Any]:
    return as_list(value) if isinstance(value, list) else [value]


def texts(value: Any) -> list[str]:
    """Return a value as text, once for each case; what only CloudFormation knows stays as ``${...}``.

    ``{"Fn::GetAtt": ["Bucket", "Arn"]}`` gives ``${Bucket.Arn}``, as ``Fn::Sub`` would write it.
    """
    if isinstance(value, str):
        return [value]
    return list(itertools.islice(itertools.chain.from_iterable(map(_texts, cases(value))), _MOST_CASES))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, bool):
        return [str(value).lower()]
    if value is None:
        return []
    if not is_function(value):
        return [str(value)] if isinstance(value, (int, float)) else ["${?}"]
    name, argument = next(iter(value.items()))
    if name == "Ref":
        return [f"${{{argument}}}"]
    if name == "Fn::GetAtt":
        return ["${" + (argument if isinstance(argument, str) else ".".join(map(str, argument))) + "}"]
    if name == "Fn::Sub":
        return _substituted(argument)
    if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], list):
        parts = [texts(part) for part in argument[1]]
        return (str(argument[0]).join(chosen) for chosen in itertools.product(*(part for part in parts if part)))
    return [f"${{{name}}}"]


def _substituted(argument: Any) -> Iterable[str]:
    text, given = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])

    def known(match: re.Match[str]) -> str:
        if match[1]:
            return "${!" + match[2] + "}"
        return next(iter(texts(given[match[2]])), "") if match[2] in given else match[0]

    return [_VARIABLE.sub(known, text)]


def references(value: Any) -> set[str]:
    """Return the logical ids and pseudo parameters that a value names, at any depth."""
    found: set[str] = set()
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, list):
            stack += current
        elif isinstance(current, dict):
            if is_function(current):
                found |= _named(current)
            stack += current.values()
    return found


def _named(function: Mapping[str, Any]) -> set[str]:
    name, argument = next(iter(function.items()))
    if name == "Ref":
        return {str(argument)}
    if name == "Fn::GetAtt":
        return {str(argument).split(".")[0] if isinstance(argument, str) else str(next(iter(argument), ""))}
    if name == "Fn::Sub":
        text, given = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
        names = {match[2].split(".")[0] for match in _VARIABLE.finditer(str(text)) if not match[1]}
        return names - set(given)
    return set()


def strings(value: Any) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of each text in a value, at any depth."""
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        path, current = stack.pop()
        if isinstance(current, str):
            yield path.removeprefix("."), current
        elif isinstance(current, dict):
            stack += [(f"{path}.{name}", part) for name, part in reversed(current.items())]
        elif isinstance(current, list):
            stack += [(f"{path}.{number}", part) for number, part in reversed(list(enumerate(current)))]


def is_on(value: Any) -> bool:
    """Tell whether a value is true, also spelt as text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def number(value: Any) -> int | None:
    """Return a whole number, also one spelt as text; ``None`` if it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() else None
