"""Words for a picture: how wide they are, how they break, what a resource is called."""

from __future__ import annotations

import re

_NARROW, _WIDE = frozenset("fijlrtI.,:;|!'()[]/ -·"), frozenset("mwMWOQGCD@%&")
_TAILS = ("Resource", "Default")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def width(text: str, size: float, *, bold: bool = False) -> float:
    """An upper bound of a text's width in pixels, for the usual sans-serif fonts."""
    ems = sum(0.42 if letter in _NARROW else 0.92 if letter in _WIDE else 0.64 for letter in text)
    return ems * size * (1.08 if bold else 1.0)


def fit(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """A text that is not wider than the room, cut with an ellipsis where it must be."""
    if width(text, size, bold=bold) <= room:
        return text
    while text and width(text + "…", size, bold=bold) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, room: float, size: float) -> list[str]:
    """A text as lines that are not wider than the room; a word that is too long is cut."""
    lines: list[str] = []
    for word in text.split():
        if lines and width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(fit(word, room, size))
    return lines


def words(name: str) -> str:
    """``AccessLogs`` as ``Access logs``; abbreviations stay."""
    parts = _CAMEL.sub(" ", name).replace("_", " ").replace("-", " ").split()
    return " ".join(part if index == 0 or part.isupper() else part.lower() for index, part in enumerate(parts))


def title(path: str, type_: str) -> str:
    """What to call a resource, from its place in the tree of constructs: the last name that tells something.

    Args:
        path: construct path below the stack, such as ``Capture/Resource``; or a logical id.
        type_: its CloudFormation type, whose own noun is left out at the end.
    """
    parts = [part for part in path.split("/") if part]
    noun = type_.split("::")[-1]
    while len(parts) > 1 and (parts[-1] in _TAILS or parts[-1] == noun):
        parts.pop()
    return words(parts[-1])


def count(number: int, noun: str) -> str:
    """``1 role``, ``2 roles``, ``2 policies``."""
    many = noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"
    return f"{number} {noun if number == 1 else many}"


def listed(names: list[str], most: int) -> list[str]:
    """The first names, and how many more there are."""
    return names if len(names) <= most else [*names[: most - 1], f"and {len(names) - most + 1} more"]
