"""No delivery reaches the training data unless its schema, ranges, counts and distributions make sense.

`incoming/` is never changed. Each file there gets a verdict once, by its ETag: it is copied to `accepted/` or to
`quarantine/`, with the reasons beside it. A bad file fails the stage; trying the stage again goes on without that file.
"""

import csv
import io
import json
import math
import os
from datetime import date
from typing import Any

from run import Run, keys, read, refuse

# Column to the least and the most that makes sense, and whether a value may be missing.
# Temperatures are in Fahrenheit, pressure is in millibars, speeds are in miles per hour.
SCHEMA: dict[str, tuple[float, float, bool]] = {
    "late": (0, 1, False),
    "month": (1, 12, False),
    "weekday": (1, 7, False),
    "departure_minute": (0, 1439, False),
    "distance": (50, 6000, False),
    "carrier": (0, 15, False),
    "origin": (0, 2, False),
    "destination": (0, 104, False),
    "temp": (-30, 120, True),
    "dewp": (-40, 90, True),
    "humid": (0, 100, True),
    "wind_dir": (0, 360, True),
    "wind_speed": (0, 120, True),
    "wind_gust": (0, 150, True),
    "precip": (0, 5, True),
    "pressure": (900, 1080, True),
    "visib": (0, 10, True),
}
HEADER = ["date", *SCHEMA]
LEAST_ROWS = 200
LATE_SHARE = (0.05, 0.6)
MOST_MISSING = 0.3
OFTEN_MISSING = {"wind_gust"}
# A season moves a mean by less than four standard deviations; another unit of measurement moves it further.
MOST_SHIFT = 6.0
SHOWN = 5


def problems(text: str, known: dict[str, tuple[float, float]]) -> list[str]:
    """Say what is wrong with a delivery; nothing means that it may be trained on.

    `known` holds mean and standard deviation of the columns accepted so far.
    """
    lines = list(csv.reader(io.StringIO(text)))
    if not lines or lines[0] != HEADER:
        got = lines[0] if lines else []
        missing, odd = [n for n in HEADER if n not in got], [n for n in got if n not in HEADER]
        told = [f"columns missing: {', '.join(missing)}"] if missing else []
        told += [f"columns unknown: {', '.join(odd)}"] if odd else []
        return told or ["the columns are in another order"]
    rows = lines[1:]
    found = [] if len(rows) >= LEAST_ROWS else [f"{len(rows)} rows; at least {LEAST_ROWS} are expected"]
    found += wrong_cells(rows)
    return found or doubtful(rows, known)


def wrong_cells(rows: list[list[str]]) -> list[str]:
    """Cells that are no number, out of range or missing; the first ones, then how many more."""
    found = []
    for number, row in enumerate(rows, 2):
        if len(row) != len(HEADER):
            found.append(f"line {number}: {len(row)} cells; {len(HEADER)} are expected")
            continue
        try:
            if date.fromisoformat(row[0]).month != int(float(row[2] or 0)):
                found.append(f"line {number}: date {row[0]} is not in month {row[2]}")
        except ValueError:
            found.append(f"line {number}: date {row[0]!r} is not like 2013-01-31")
        for name, cell in zip(HEADER[1:], row[1:], strict=True):
            least, most, may_miss = SCHEMA[name]
            try:
                value = float(cell) if cell else math.nan
            except ValueError:
                found.append(f"line {number}: {name} {cell!r} is not a number")
                continue
            if not cell and not may_miss:
                found.append(f"line {number}: {name} is missing")
            elif cell and not least <= value <= most:
                found.append(f"line {number}: {name} {cell} is not between {least:g} and {most:g}")
    more = len(found) - SHOWN
    return found[:SHOWN] + ([f"and {more} more"] if more > 0 else [])


def doubtful(rows: list[list[str]], known: dict[str, tuple[float, float]]) -> list[str]:
    """Well-formed rows that as a whole are not credible."""
    late = sum(row[1] == "1" for row in rows) / len(rows)
    found = []
    if not LATE_SHARE[0] <= late <= LATE_SHARE[1]:
        found.append(f"{late:.0%} of the flights are late; {LATE_SHARE[0]:.0%} to {LATE_SHARE[1]:.0%} is credible")
    same = len(rows) - len({tuple(row) for row in rows})
    if same > len(rows) / 100:
        found.append(f"{same} rows are there twice")
    for name, values in columns(rows).items():
        missing = 1 - len(values) / len(rows)
        if missing > MOST_MISSING and name not in OFTEN_MISSING:
            found.append(f"{name}: {missing:.0%} are missing; {MOST_MISSING:.0%} at most are expected")
        if name in known and values:
            mean, spread = known[name]
            shift = abs(sum(values) / len(values) - mean) / spread if spread else 0.0
            if shift > MOST_SHIFT:
                found.append(f"{name}: the mean moved by {shift:.1f} standard deviations: another unit?")
    return found


def columns(rows: list[list[str]]) -> dict[str, list[float]]:
    return {name: [float(row[i]) for row in rows if row[i]] for i, name in enumerate(HEADER) if i > 1}


def statistics(texts: list[str]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each column over all accepted deliveries."""
    rows = [row for text in texts for row in list(csv.reader(io.StringIO(text)))[1:]]
    found = {}
    for name, values in columns(rows).items():
        if values:
            mean = sum(values) / len(values)
            found[name] = (mean, math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)))
    return found


def judge(run: Run, bucket: str) -> list[dict[str, Any]]:
    """Give each new file in `incoming/` its verdict; return the new verdicts."""
    s3 = run.s3

    def text(key: str) -> str:
        return str(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode(errors="replace"))

    accepted = [text(entry["Key"]) for entry in keys(s3, bucket, "accepted/")]
    verdicts = []
    for entry in keys(s3, bucket, "incoming/"):
        name, etag = entry["Key"].removeprefix("incoming/"), entry["ETag"].strip('"')
        before = read(s3, bucket, f"verdicts/{name}.json")
        if before and before["etag"] == etag:
            continue
        content = text(entry["Key"])
        reasons = problems(content, statistics(accepted))
        place = "quarantine" if reasons else "accepted"
        # The copy first: without its verdict a file is judged again.
        s3.put_object(Bucket=bucket, Key=f"{place}/{name}", Body=content.encode())
        verdict = {"file": name, "etag": etag, "verdict": place, "reasons": reasons, "run": run.id}
        s3.put_object(Bucket=bucket, Key=f"verdicts/{name}.json", Body=json.dumps(verdict, indent=1).encode())
        print(f"{name}: {place}{''.join(f'; {reason}' for reason in reasons)}")
        accepted += [] if reasons else [content]
        verdicts.append(verdict)
    return verdicts


def main() -> None:
    run, bucket = Run(), os.environ["DATA_BUCKET"]
    if run.releases_a_package:
        print(f"{run.package} is released as it is: no data to judge")
        return
    verdicts = judge(run, bucket)
    accepted = keys(run.s3, bucket, "accepted/")
    run.keep("validate", {"new": verdicts, "accepted": [entry["Key"] for entry in accepted]})
    bad = [verdict for verdict in verdicts if verdict["reasons"]]
    if bad:
        refuse("; ".join(f"{one['file']} is in quarantine: {', '.join(one['reasons'])}" for one in bad))
    if not accepted:
        refuse("there is no accepted delivery to train on: put one into incoming/")
    print(f"{len(accepted)} accepted deliveries")


if __name__ == "__main__":
    main()
