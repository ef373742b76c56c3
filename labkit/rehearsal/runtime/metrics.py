"""CloudWatch's metrics: every datum counted once per emulated minute, statistics and percentiles answered from that."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

Dimensions = Mapping[str, str]
Key = tuple[str, str, frozenset[tuple[str, str]]]
Series = dict[datetime, float]

MINUTE = timedelta(minutes=1)
_EPOCH = datetime.fromtimestamp(0, UTC)
_KEPT_MINUTES = 15 * 24 * 60  # one-minute data is kept for 15 days (CloudWatch: Metrics retention)


@dataclass
class Bucket:
    """What was measured in one minute, or in several that were merged."""

    count: float = 0.0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    values: Counter[float] = field(default_factory=Counter)

    def add(self, value: float, count: float = 1.0) -> None:
        """Count ``value`` as measured ``count`` times."""
        self.count += count
        self.total += value * count
        self.low, self.high = min(self.low, value), max(self.high, value)
        self.values[_rounded(value)] += count  # type: ignore[assignment]

    def merge(self, other: Bucket) -> None:
        """Take in what another bucket holds."""
        self.count += other.count
        self.total += other.total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.values.update(other.values)

    def statistic(self, name: str) -> float | None:
        """``Sum``, ``Average``, ``Minimum``, ``Maximum``, ``SampleCount`` or a percentile such as ``p99``."""
        if name == "Sum":
            return self.total
        if name == "SampleCount":
            return self.count
        if not self.count:
            return None
        if name in ("Average", "Minimum", "Maximum"):
            return {"Average": self.total / self.count, "Minimum": self.low, "Maximum": self.high}[name]
        if name.startswith("p") and self.values:
            return self._percentile(float(name[1:]))
        return None

    def _percentile(self, percent: float) -> float:
        """Values are kept with three significant digits; the extremes are exact."""
        if percent >= 100:
            return self.high
        wanted, seen = percent / 100 * sum(self.values.values()), 0.0
        for value in sorted(self.values):
            seen += self.values[value]
            if seen >= wanted:
                return min(max(value, self.low), self.high)
        return self.high


class Metrics:
    """The metrics of one account and region."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.RLock()
        self._data: dict[Key, dict[datetime, Bucket]] = {}
        self._units: dict[Key, str] = {}

    def put(
        self,
        namespace: str,
        name: str,
        dimensions: Dimensions,
        value: float,
        *,
        count: float = 1.0,
        unit: str = "None",
        time: datetime | None = None,
    ) -> None:
        """Enter a value that was measured ``count`` times, now or at ``time``."""
        with self._lock:
            self._bucket((namespace, name, frozenset(dimensions.items())), time, unit).add(value, count)

    def put_bucket(
        self,
        namespace: str,
        name: str,
        dimensions: Dimensions,
        bucket: Bucket,
        *,
        unit: str = "None",
        time: datetime | None = None,
    ) -> None:
        """Enter values that are already summed up."""
        with self._lock:
            self._bucket((namespace, name, frozenset(dimensions.items())), time, unit).merge(bucket)

    def _bucket(self, key: Key, time: datetime | None, unit: str) -> Bucket:
        minute = floor(time or self._context.clock.now(), 60)
        self._units[key] = unit
        minutes = self._data.setdefault(key, {})
        if minute not in minutes:
            minutes[minute] = Bucket()
            if len(minutes) > _KEPT_MINUTES:
                del minutes[min(minutes)]
        return minutes[minute]

    def series(
        self,
        namespace: str,
        name: str,
        dimensions: Dimensions,
        statistic: str,
        *,
        start: datetime,
        end: datetime,
        period: int = 60,
        anchor: datetime | None = None,
    ) -> Series:
        """The statistic of each period in [start, end) that has data, by the start of the period."""
        found: Series = {}
        measured = self.buckets(namespace, name, dimensions, start=start, end=end, period=period, anchor=anchor)
        for moment, bucket in measured.items():
            value = bucket.statistic(statistic)
            if value is not None:
                found[moment] = value
        return found

    def buckets(
        self,
        namespace: str,
        name: str,
        dimensions: Dimensions,
        *,
        start: datetime,
        end: datetime,
        period: int,
        anchor: datetime | None = None,
    ) -> dict[datetime, Bucket]:
        """What was measured in each period in [start, end) that has data.

        Args:
            anchor: a moment at which a period begins; default: the epoch.
        """
        merged: dict[datetime, Bucket] = {}
        first = floor(start, 60)
        with self._lock:
            minutes = self._data.get((namespace, name, frozenset(dimensions.items())), {})
            chosen: Iterable[datetime] = minutes
            span = int((end - first) / MINUTE) + 1
            if span < len(minutes):
                chosen = (first + number * MINUTE for number in range(span))
            for minute in sorted(moment for moment in chosen if first <= moment < end and moment in minutes):
                begin = minute - (minute - (anchor or _EPOCH)) % timedelta(seconds=max(period, 60))
                if begin not in merged:
                    merged[begin] = Bucket()
                merged[begin].merge(minutes[minute])
        return merged

    def has(self, namespace: str, name: str, dimensions: Dimensions, minute: datetime) -> bool:
        """Whether anything was measured in the minute that holds ``minute``."""
        key = (namespace, name, frozenset(dimensions.items()))
        with self._lock:
            return floor(minute, 60) in self._data.get(key, {})

    def unit(self, namespace: str, name: str, dimensions: Dimensions) -> str:
        """The unit that was last entered for a metric."""
        return self._units.get((namespace, name, frozenset(dimensions.items())), "None")

    def known(self) -> list[Key]:
        """Every metric that has data."""
        with self._lock:
            return list(self._data)


def floor(moment: datetime, period: int) -> datetime:
    """The start of the period of ``period`` seconds that holds ``moment``; a time without zone is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    stamp = int(aware.timestamp())
    return datetime.fromtimestamp(stamp - stamp % period, UTC)


def by_name(dimensions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """CloudWatch's list of dimensions as a dictionary."""
    return {item["Name"]: item["Value"] for item in dimensions}


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
