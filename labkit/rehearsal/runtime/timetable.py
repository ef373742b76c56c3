"""When a schedule expression falls due: at(...), rate(...) and the six-field cron(...) of AWS, in any time zone."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_MINUTE = timedelta(minutes=1)


class ScheduleError(Exception):
    """Not one of the documented forms."""


@dataclass(frozen=True)
class Timetable:
    """One schedule expression.

    Args:
        zone: IANA name of the time zone in which ``at`` and ``cron`` are meant.
        since: when it was made: ``rate`` counts from then, and nothing falls due before.
    """

    expression: str
    zone: str = "UTC"
    since: datetime | None = None

    def due(self, after: datetime, until: datetime) -> list[datetime]:
        """The moments in (after, until] at which the schedule falls due, in UTC."""
        kind, inside = _split(self.expression)
        after = max(after, self.since or after)
        if kind == "at":
            moment = datetime.fromisoformat(inside).replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
            return [moment] if after < moment <= until else []
        if kind == "rate":
            return list(self._by_rate(inside, after, until))
        return list(self._by_cron(inside, after, until))

    @property
    def once(self) -> bool:
        """Whether it falls due a single time."""
        return self.expression.strip().startswith("at(")

    def _by_rate(self, inside: str, after: datetime, until: datetime) -> Iterator[datetime]:
        number, _, unit = inside.partition(" ")
        if not number.isdigit() or unit.strip().removesuffix("s") not in _UNITS or self.since is None:
            raise ScheduleError(self.expression)
        step = timedelta(seconds=int(number) * _UNITS[unit.strip().removesuffix("s")])
        moment = self.since + step * max(int((after - self.since) / step), 0)
        while moment <= until:
            if moment > after:
                yield moment
            moment += step

    def _by_cron(self, inside: str, after: datetime, until: datetime) -> Iterator[datetime]:
        fields = inside.split()
        if len(fields) != 6:
            raise ScheduleError(self.expression)
        moment = after.replace(second=0, microsecond=0) + _MINUTE
        while moment <= until:
            if _matches(fields, moment.astimezone(ZoneInfo(self.zone))):
                yield moment.astimezone(UTC)
            moment += _MINUTE


def _split(expression: str) -> tuple[str, str]:
    found = re.fullmatch(r"\s*(at|rate|cron)\((.+)\)\s*", expression)
    if not found:
        raise ScheduleError(expression)
    return found[1], found[2].strip()


def _matches(fields: list[str], moment: datetime) -> bool:
    minute, hour, day, month, weekday, year = fields
    return (
        _in(minute, moment.minute, 0, {})
        and _in(hour, moment.hour, 0, {})
        and _in(month, moment.month, 1, _MONTHS)
        and _in(year, moment.year, 1970, {})
        and _day(day, moment)
        and _weekday(weekday, moment)
    )


def _in(field: str, value: int, lowest: int, names: dict[str, int]) -> bool:
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            first, last = lowest, value
        elif "-" in span:
            first, last = (_number(end, names) for end in span.split("-"))
        else:
            first = _number(span, names)
            last = value if step else first
        if first <= value <= max(last, first) and (value - first) % int(step or 1) == 0:
            return True
    return False


def _day(field: str, moment: datetime) -> bool:
    last = calendar.monthrange(moment.year, moment.month)[1]
    if field == "L":
        return moment.day == last
    if field.endswith("W"):
        wished = min(int(field[:-1]), last)
        weekday = calendar.weekday(moment.year, moment.month, wished)
        shift = {5: -1 if wished > 1 else 2, 6: 1 if wished < last else -2}.get(weekday, 0)
        return moment.day == wished + shift
    return _in(field, moment.day, 1, {})


def _weekday(field: str, moment: datetime) -> bool:
    today = moment.isoweekday() % 7 + 1
    if "#" in field:
        day, _, nth = field.partition("#")
        return today == _number(day, _DAYS) and (moment.day - 1) // 7 + 1 == int(nth)
    if field.endswith("L") and field != "L":
        last = calendar.monthrange(moment.year, moment.month)[1]
        return today == _number(field[:-1], _DAYS) and moment.day > last - 7
    return _in("SAT" if field == "L" else field, today, 1, _DAYS)


def _number(text: str, names: dict[str, int]) -> int:
    if text.upper() in names:
        return names[text.upper()]
    try:
        return int(text)
    except ValueError as error:
        raise ScheduleError(text) from error
