"""Split the accepted deliveries by whole days: two flights in the same thunderstorm never sit on both sides.

Runs as a SageMaker processing job: reads CSV files with a `date` from input/data, writes train, validation and holdout
without it. The last days of each month are the holdout, so it grows with the data and knows every season delivered.
"""

import csv
import os
from pathlib import Path

ROOT = Path(os.environ.get("PROCESSING_ROOT", "/opt/ml/processing"))
LAST_DAY = {"train": 20, "validation": 25, "holdout": 31}


def split_of(date: str) -> str:
    """Name the split of a date such as 2013-01-31."""
    day = int(date[-2:])
    return next(name for name, last in LAST_DAY.items() if day <= last)


def main() -> None:
    files = sorted((ROOT / "input" / "data").glob("*.csv"))
    if not files:
        raise SystemExit(f"No CSV file in {ROOT / 'input' / 'data'}: no delivery was accepted yet.")
    rows: dict[str, list[list[str]]] = {name: [] for name in LAST_DAY}
    header: list[str] = []
    for path in files:
        with path.open(newline="") as file:
            lines = csv.reader(file)
            header = next(lines)[1:]
            for date, *values in lines:
                rows[split_of(date)].append(values)
    for name, part in rows.items():
        folder = ROOT / "output" / name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *part])
        print(f"{name}: {len(part)} flights")


if __name__ == "__main__":
    main()
