"""What settings tell code: references grouped as they stand together, so that one entry of a list is not mixed with another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from labkit.review.provers.deployability.kit import text
from stacks.rules.kit.values import is_function, references

# A network and a role that a resource is given for itself.
_OWN = ("VpcConfig", "Role", "ServiceRole", "ExecutionRoleArn")


@dataclass(frozen=True)
class Entry:
    """What stands together.

    Args:
        names: logical ids that it refers to.
        texts: the values in it.
        of_list: whether it is one of several entries of a JSON text.
    """

    names: frozenset[str]
    texts: frozenset[str]
    of_list: bool


def handed(properties: dict[str, Any]) -> list[Entry]:
    """Return what properties tell, but for the network and the role that are the resource's own.

    A JSON text with a list or map of objects gives an entry for each object; everything else is one entry.
    """
    found: list[Entry] = []
    rest: set[str] = set()
    said: set[str] = set()
    for leaf in _leaves([value for name, value in properties.items() if name not in _OWN]):
        whole = text.first_text(leaf) or ""
        entries = list(_entries(whole))
        if entries:
            found += entries
        else:
            rest |= references(leaf)
            said.add(whole)
    return [*found, Entry(frozenset(rest), frozenset(said), False)]


def _leaves(values: Iterable[Any]) -> Iterator[Any]:
    stack = list(values)
    while stack:
        current = stack.pop()
        if isinstance(current, str) or is_function(current):
            yield current
        elif isinstance(current, dict):
            stack += current.values()
        elif isinstance(current, list):
            stack += current


def _entries(whole: str) -> Iterator[Entry]:
    if not whole.lstrip().startswith(("[", "{")):
        return
    try:
        content = json.loads(whole)
    except (ValueError, RecursionError):
        return
    given = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    objects = [(str(name), value) for name, value in given if isinstance(value, dict)]
    # Entries of a list are alike; objects that have nothing in common are parts of one thing.
    if not objects or len(objects) != len(content) or not set.intersection(*(set(value) for _, value in objects)):
        return
    for name, value in objects:
        said = frozenset({name, *(one for one in _leaves(value.values()) if isinstance(one, str))})
        names = frozenset(token.partition(".")[0] for one in said for token in text.tokens(one))
        yield Entry(names, said, True)
