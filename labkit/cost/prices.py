"""Unit prices and default quotas, each with its date and its source."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: The only region whose prices the table holds.
REGION = "us-east-1"
HOURS_A_MONTH = 730
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Price:
    """One row of ``prices.csv``.

    ``as_of`` is the day on which the source was read or published, ``unknown`` where the source has no date.
    """

    service: str
    item: str
    unit: str
    region: str
    usd: float
    as_of: str
    source: str

    @property
    def hours(self) -> float | None:
        """Hours that one unit lasts; None for what is charged by use and not by time."""
        period = self.unit.rsplit("-", 1)[-1]
        return {"hour": 1.0, "month": float(HOURS_A_MONTH)}.get(period)


@dataclass(frozen=True)
class Quota:
    """One row of ``quotas.csv``: what AWS gives an account by default."""

    code: str
    service: str
    name: str
    default: int
    source: str
    as_of: str


@cache
def _prices() -> dict[tuple[str, str], Price]:
    table = {}
    with (_FOLDER / "prices.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            table[row["service"], row["item"]] = Price(**{**row, "usd": float(row["usd"])})  # type: ignore[arg-type]
    return table


def price(service: str, item: str) -> Price | None:
    """The unit price of an item in us-east-1, or None when the table has no row for it."""
    return _prices().get((service, item))


@cache
def _quotas() -> dict[str, Quota]:
    with (_FOLDER / "quotas.csv").open(newline="") as file:
        rows = [Quota(**{**row, "default": int(row["default"])}) for row in csv.DictReader(file)]  # type: ignore[arg-type]
    return {row.code: row for row in rows}


def quota(code: str) -> Quota | None:
    """The default quota with a Service Quotas code such as ``L-29C181D7``, or None when the table has no row for it."""
    return _quotas().get(code)
