"""The grammars in which services take schedules."""

from __future__ import annotations

import re
from functools import cache

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS = (
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, tuple(_MONTHS)),
    ("day of week", 1, 7, tuple(_DAYS)),
    ("year", 1970, 2199, ()),
)
_UNIX_WEEK = ("day of week", 0, 7, tuple(_DAYS))
_RATE = re.compile(r"rate\(\s*(\d+)\s+(minutes?|hours?|days?|weeks?|months?)\s*\)", re.I)
_AT = re.compile(r"at\(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\)")
_MONITOR = re.compile(r"cron\(0 (\*|[01]?\d|2[0-3])(/([1-9]|1\d|2[0-4]))? \? \* \* \*\)")


def fault(kind: str, text: str) -> str:
    """Tell what is wrong with a schedule, or nothing.

    Args:
        kind: forms that are taken, joined by ``|``: ``cron``, ``rate``, ``rates`` (any plural), ``at``, ``unix``,
            ``monitor`` and ``now``.
        text: the expression.
    """
    forms = kind.split("|")
    if "now" in forms and text == "NOW":
        return ""
    if "monitor" in forms:
        return "" if _MONITOR.fullmatch(text) else "it must be NOW, hourly cron(0 * ? * * *) or daily cron(0 H ? * * *)"
    if "unix" in forms:
        return _unix(text)
    lower = text.lower()
    if lower.startswith("cron(") and text.endswith(")") and "cron" in forms:
        return _cron(text[5:-1])
    if lower.startswith("at(") and "at" in forms:
        return "" if _AT.fullmatch(text) else "the time is not of the form at(yyyy-mm-ddThh:mm:ss)"
    if lower.startswith("rate(") and ("rate" in forms or "rates" in forms):
        return _rate(text, strict="rate" in forms)
    names = {"cron": "cron(…)", "rate": "rate(…)", "rates": "rate(…)", "at": "at(…)"}
    return f"it is none of {', '.join(dict.fromkeys(names[form] for form in forms if form in names))}"


def _rate(text: str, *, strict: bool) -> str:
    match = _RATE.fullmatch(text)
    if match is None:
        return "a rate is a whole number and a unit, such as rate(5 minutes)"
    if int(match[1]) < 1:
        return "a rate is at least 1"
    if strict and (int(match[1]) == 1) == match[2].endswith("s"):
        return "the unit is singular for 1 and plural for more"
    return ""


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != 6:
        return f"cron has six fields (minutes hours day-of-month month day-of-week year), this has {len(fields)}"
    for (name, low, high, words), given in zip(_FIELDS, fields, strict=True):
        if not _field(given, low, high, words, special=name in ("day of month", "day of week")):
            return f"{given!r} is no {name} ({low} to {high})"
    if (fields[2] == "?") == (fields[4] == "?"):
        return "exactly one of day-of-month and day-of-week is ?"
    return ""


def _unix(text: str) -> str:
    fields = text.split()
    if len(fields) != 5:
        return f"the recurrence has five fields (minute hour day month weekday) and no cron(…), this has {len(fields)}"
    for (name, low, high, words), given in zip((*_FIELDS[:4], _UNIX_WEEK), fields, strict=True):
        if not _field(given, low, high, words, special=False):
            return f"{given!r} is no {name} ({low} to {high})"
    return ""


def _field(text: str, low: int, high: int, words: tuple[str, ...], *, special: bool) -> bool:
    if len(text) > 200:
        return False
    if special and (text in ("?", "L", "LW") or re.fullmatch(r"([1-9]|[12]\d|3[01])W|L-\d+|\w{1,3}(#[1-5]|L)", text)):
        return True
    return all(_item(item, low, high, words) for item in text.split(","))


def _item(text: str, low: int, high: int, words: tuple[str, ...]) -> bool:
    base, slash, step = text.partition("/")
    if slash and not (step.isdecimal() and int(step) > 0):
        return False
    if base == "*":
        return True
    first, dash, last = base.partition("-")
    numbers = [_number(one, words, low) for one in ((first, last) if dash else (first,))]
    return all(one is not None and low <= one <= high for one in numbers)


def _number(text: str, words: tuple[str, ...], low: int) -> int | None:
    if text.isdecimal():
        return int(text)
    return words.index(text.upper()) + low if text.upper() in words else None


@cache
def zones() -> frozenset[str]:
    """The time zones of the IANA database of this machine."""
    from zoneinfo import available_timezones

    return frozenset(available_timezones())
