"""What is known of a request: keys with values, keys known to be absent, and the rest, which is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Values = tuple[str, ...]


@dataclass(frozen=True)
class Context:
    """The request context.

    Args:
        known: lower-case key to its values; ``None``: the key is absent from the request.
        complete: what is not in ``known`` is absent, instead of unknown.
    """

    known: Mapping[str, Values | None] = field(default_factory=dict)
    complete: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any], *, complete: bool = False) -> Context:
        """Read keys with a text, number, truth value, list of these, or ``None`` for an absent key."""
        return cls({key.lower(): _values(value) for key, value in given.items()}, complete)

    def under(self, given: Mapping[str, Values | None]) -> Context:
        """This context, where it says something, over other values."""
        return Context({**given, **self.known}, self.complete)

    def with_(self, key: str, values: Values | None) -> Context:
        """This context with one key changed."""
        return Context({**self.known, key.lower(): values}, self.complete)

    def knows(self, key: str) -> bool:
        """Whether it is known if the key is there, and what it holds."""
        return self.complete or key.lower() in self.known

    def get(self, key: str) -> Values | None:
        """The key's values; ``None``: absent."""
        return self.known.get(key.lower())


def _values(value: Any) -> Values | None:
    if value is None:
        return None
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in items)
