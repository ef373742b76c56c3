"""The rule of a composite alarm: ALARM, OK and INSUFFICIENT_DATA of other alarms with AND, OR, NOT."""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(r'\s*(\(|\)|"[^"]*"|[^\s()"]+)')
_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")


class RuleError(Exception):
    """The rule is not of the documented form."""


def holds(rule: str, state_of: Callable[[str], str]) -> bool:
    """Whether the rule is true.

    Args:
        state_of: the state of an alarm by its name.
    """
    reader = _Reader(_TOKEN.findall(rule), state_of)
    result = reader.either()
    if reader.tokens:
        raise RuleError(f"{rule}: {reader.tokens[0]} was not expected")
    return result


class _Reader:
    """Recursive descent over the tokens; NOT binds closest, then AND, then OR."""

    def __init__(self, tokens: list[str], state_of: Callable[[str], str]) -> None:
        self.tokens, self._state_of = tokens, state_of

    def either(self) -> bool:
        result = self._both()
        while self.tokens and self.tokens[0].upper() == "OR":
            self._take()
            result = self._both() or result
        return result

    def _both(self) -> bool:
        result = self._one()
        while self.tokens and self.tokens[0].upper() == "AND":
            self._take()
            result = self._one() and result
        return result

    def _one(self) -> bool:
        piece = self._take()
        word = piece.upper()
        if word == "NOT":
            return not self._one()
        if piece == "(":
            result = self.either()
            self._expect(")")
            return result
        if word in ("TRUE", "FALSE"):
            return word == "TRUE"
        if word in _STATES:
            self._expect("(")
            name = self._take().strip('"')
            self._expect(")")
            return self._state_of(name.rpartition(":alarm:")[2]) == word
        raise RuleError(f"{piece} is no state, operator or parenthesis")

    def _take(self) -> str:
        if not self.tokens:
            raise RuleError("the rule ends too early")
        return self.tokens.pop(0)

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise RuleError(f"{token} is missing")
