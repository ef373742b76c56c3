"""Whether a pattern covers a text, in four values, so that an unknown part never gives a certain answer."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from labkit.review.provers.permission.symbols import ONE, STAR, has_tokens, is_exact, kind_of

# A pair of hostile texts is given up rather than compared for seconds; unknown is the answer then.
_MOST_STATES = 20_000
_UNWRITTEN = re.compile("[\ue000\ue001\U000f0000-\U0010ffff]")
_SEPARATORS = frozenset(":/")


class Match(IntEnum):
    """How far something holds. ``min`` is *and*, ``max`` is *or*."""

    NO = 0
    MAYBE = 1  # depends on a part that is not known
    PARTLY = 2  # holds for some of what was asked, and not for all
    YES = 3

    def otherwise(self) -> Match:
        """The opposite."""
        return {Match.NO: Match.YES, Match.YES: Match.NO}.get(self, self)

    @property
    def possible(self) -> bool:
        return self is not Match.NO


@lru_cache(maxsize=100_000)
def match(pattern: str, text: str) -> Match:
    """Tell how far a pattern covers a text; a text with wildcards is every text that it stands for."""
    if apart(pattern, text):
        return Match.NO
    if covers(pattern, text):
        return Match.YES
    if is_exact(pattern) and is_exact(text):
        return Match.NO
    if not pattern or not text:
        # Names, numbers and regions are never empty; a parameter may be.
        return Match.MAYBE if {kind_of(char) for char in pattern + text} <= {"open"} else Match.NO
    wild = STAR in text or ONE in text
    if not wild and not has_tokens(pattern) and not has_tokens(text):
        return Match.NO
    if not _meet(pattern, text, sure=False):
        return Match.NO
    return Match.PARTLY if wild and _meet(pattern, text, sure=True) else Match.MAYBE


def apart(one: str, other: str) -> bool:
    """Tell, at little cost, whether two texts begin so differently that nothing is both, whatever stands behind."""
    shared = min(_written(one), _written(other))
    return one[:shared] != other[:shared]


def covers(pattern: str, text: str) -> bool:
    """Tell whether a pattern certainly stands for the whole of a text, in time that grows with both."""
    if STAR not in pattern and ONE not in pattern:
        return pattern == text
    first, *middle = pattern.split(STAR)
    if not middle:
        return len(first) == len(text) and _at(first, text, 0)
    *middle, last = middle
    if len(first) + len(last) > len(text) or not _at(first, text, 0) or not _at(last, text, len(text) - len(last)):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        place = _find(part, text, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


def arn_like(pattern: str, text: str) -> Match:
    """Compare two ARNs part by part, as ``ArnLike`` does: no wildcard reaches beyond its colon."""
    if pattern == STAR:
        return Match.YES
    parts, others = pattern.split(":", 5), text.split(":", 5)
    if len(parts) != 6 or len(others) != 6:
        return min(match(pattern, text), Match.MAYBE) if has_tokens(pattern + text) else Match.NO
    return min(match(part, other) for part, other in zip(parts, others, strict=True))


def _at(part: str, text: str, place: int) -> bool:
    if ONE not in part:
        return text.startswith(part, place)
    return _expression(part).match(text, place) is not None


def _find(part: str, text: str, place: int, end: int) -> int:
    if ONE not in part:
        return text.find(part, place, end)
    found = _expression(part).search(text, place, end)
    return found.start() if found else -1


@lru_cache(maxsize=10_000)
def _written(text: str) -> int:
    """How many characters at the start of a text are written down."""
    found = _UNWRITTEN.search(text)
    return found.start() if found else len(text)


@lru_cache(maxsize=4096)
def _expression(part: str) -> re.Pattern[str]:
    # A question mark is one ordinary character: a token may be longer.
    return re.compile("".join("[^\ue000\U000f0000-\U0010ffff]" if c == ONE else re.escape(c) for c in part), re.DOTALL)


def _meet(one: str, other: str, *, sure: bool) -> bool:
    """Tell whether two texts can stand for the same; ``sure``: whatever stands in their unknown parts."""
    seen: set[tuple[int, int, int]] = set()
    # The third number: 0, or 1 and 2 inside a made-up name of the first text before and after a wildcard of the
    # other, 3 and 4 likewise for the second text.
    alike = _alike(one, other)
    stack = [(alike, alike, 0)]
    while stack:
        state = stack.pop()
        if state in seen:
            continue
        seen.add(state)
        if alike + len(seen) > _MOST_STATES:
            return not sure
        i, j, inside = state
        if i == len(one) and j == len(other) and inside in (0, 2, 4):
            return True
        if inside in (1, 2):
            stack += [(i, n, k) for n, k in _inside(one[i - 1], other, j, inside)]
        elif inside:
            stack += [(n, j, k + 2 if k else 0) for n, k in _inside(other[j - 1], one, i, inside - 2)]
        else:
            stack += _next(one, other, i, j, sure=sure)
            stack += [(m, n, k + 2 if k else 0) for n, m, k in _next(other, one, j, i, sure=sure)]
    return False


def _alike(one: str, other: str) -> int:
    """How far two texts are the same without a star: each character there stands for its like and nothing else."""
    for place, (char, facing) in enumerate(zip(one, other, strict=False)):
        if char != facing or char == STAR:
            return place
    return min(len(one), len(other))


def _inside(name: str, text: str, place: int, state: int) -> list[tuple[int, int]]:
    """Where a made-up name may go on in the other text. It takes up written characters only beside a wildcard."""
    steps = [(place, 0)] if state == 2 else []
    if place < len(text):
        char = text[place]
        if char in (STAR, ONE) or kind_of(char) == "open":
            # A star may be used up here, or go on behind the name.
            steps += [(place + 1, 2), (place, 0)] if char != ONE else [(place + 1, 2)]
        elif char not in _SEPARATORS or kind_of(name) == "opaque":
            steps.append((place + 1, state))
    return steps


def _next(one: str, other: str, i: int, j: int, *, sure: bool) -> list[tuple[int, int, int]]:
    if i == len(one):
        return []
    char, facing = one[i], other[j] if j < len(other) else ""
    if char == STAR:
        return [(i + 1, j, 0), *([(i, j + 1, 0)] if facing else [])]
    either = (char, facing)
    if (
        facing
        and STAR not in either
        and (char == facing or (ONE in either and kind_of(char) is kind_of(facing) is None))
    ):
        return [(i + 1, j + 1, 0)]
    kind = kind_of(char)
    if kind is None or sure:
        return []
    if kind in ("generated", "opaque"):
        return [(i + 1, j, 1)]
    steps = [(i + 1, j, 0)]
    if facing and _may_hold(kind, facing):
        steps.append((i, j + 1, 0))
    return steps


def _may_hold(kind: str, char: str) -> bool:
    if kind == "open" or char in (STAR, ONE):
        return True
    if kind == "account":
        return char.isdigit() or kind_of(char) == "open"
    return char.islower() or char.isdigit() or char == "-" or kind_of(char) == "open"
