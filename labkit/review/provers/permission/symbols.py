"""Texts with unknown parts: what only CloudFormation knows stands in a text as one character that equals itself alone.

A *token* is a character of a private plane of Unicode with a name. Its kind says what may stand there:

- ``generated``: a name or id that CloudFormation makes up; it never equals a text that somebody wrote down.
- ``opaque``: a whole ARN whose form is not known here.
- ``account``: the twelve digits of the stack's account.
- ``word``: a region or a partition.
- ``open``: anything, such as a parameter.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["generated", "opaque", "account", "word", "open"]

# The wildcards of IAM; a plain * in a text is a star and nothing else.
STAR, ONE = "\ue000", "\ue001"
# A text that nobody chose, to ask whether a condition would let anything else pass.
OTHER = "\ue002another value"
_MARKS = {STAR: "*", ONE: "?", OTHER[0]: ""}
_UNWRITTEN = re.compile("[\ue000-\ue002\U000f0000-\U0010ffff]")

_PLANES: dict[Kind, int] = {
    "generated": 0xF0000,
    "opaque": 0xF8000,
    "account": 0x100000,
    "word": 0x100100,
    "open": 0x101000,
}
_ENDS: dict[Kind, int] = {
    "generated": 0xF8000,
    "opaque": 0x100000,
    "account": 0x100100,
    "word": 0x101000,
    "open": 0x10FFFE,
}
_tokens: dict[tuple[Kind, str], str] = {}
_names: dict[str, str] = {}
_given: dict[Kind, int] = {}


def token(kind: Kind, name: str) -> str:
    """Return the character that stands for a named unknown part."""
    known = _tokens.get((kind, name))
    if known is None:
        code = _PLANES[kind] + _given.get(kind, 0)
        if code >= _ENDS[kind]:
            return token("open", "too many names") if kind != "open" else chr(_ENDS[kind] - 1)
        known = _tokens[kind, name] = chr(code)
        _given[kind] = _given.get(kind, 0) + 1
        _names[known] = name
    return known


def kind_of(char: str) -> Kind | None:
    """Return the kind of a token, or ``None`` for an ordinary character."""
    code = ord(char)
    if code < 0xF0000:
        return None
    for kind, end in _ENDS.items():
        if code < end:
            return kind
    return "open"


def has_tokens(text: str) -> bool:
    """Tell whether some part of a text is unknown."""
    return not text.isascii() and max(text) >= "\U000f0000"


def is_exact(text: str) -> bool:
    """Tell whether a text stands for itself alone: no wildcard, no unknown part."""
    return text.isascii() or not (has_tokens(text) or STAR in text or ONE in text)


def shown(text: str) -> str:
    """Return a text for a person: tokens as ``${name}``, wildcards as they are written."""
    return text if text.isascii() else _UNWRITTEN.sub(_mark, text)


def _mark(found: re.Match[str]) -> str:
    char = found[0]
    return _MARKS[char] if char in _MARKS else f"${{{_names.get(char, '?')}}}"


def pattern(text: str) -> str:
    """Turn the stars and question marks of a text into wildcards."""
    return text.replace("*", STAR).replace("?", ONE)
