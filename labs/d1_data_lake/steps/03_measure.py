"""Measure what each format costs to read

Read each object once as a whole and once for a single column, and count the bytes that S3 sends: a format kept by column
lets the reader ask for a range, a format kept by row does not. Each read gives the whole table back, and one checksum
over names, order and values must be equal for all six. The plot shows size and column read.
"""

import io
import sys
import time
from importlib import import_module
from pathlib import Path

from matplotlib.figure import Figure

from labkit.session import Session, StepFailed

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
formats = import_module("formats")

COLUMN = "distance"


def run(session: Session) -> None:
    objects = session.recall("objects")
    measured = {name: measure(session, name, objects[name]) for name in formats.FORMATS}
    session.table(
        f"Reading everything, and reading the column {COLUMN}",
        [
            {
                "format": name,
                "bytes": f"{m['size']:,}",
                "full read": f"{m['full_seconds']:.3f} s",
                "column read": f"{m['column_seconds']:.3f} s",
                "column bytes": f"{m['column_bytes']:,}",
                "requests": m["column_requests"],
                "share": f"{m['column_bytes'] / m['size']:.0%}",
                "rows": m["rows"],
                "content": m["checksum"][:12],
            }
            for name, m in measured.items()
        ],
    )
    plot(session.folder / "formats.png", measured)
    session.say(f"Plot: {session.folder / 'formats.png'}")
    session.remember("measured", measured)
    contents = {(m["rows"], m["checksum"], m["column_checksum"]) for m in measured.values()}
    if len(contents) != 1:
        raise StepFailed("The formats do not hold the same content: compare rows and content in the table.")
    session.say(f"All {len(measured)} formats hold the same {measured['csv']['rows']} rows.")


def measure(session: Session, name: str, place: dict[str, str]) -> dict[str, object]:
    form = formats.FORMATS[name]
    whole, part = opened(session, place), opened(session, place)
    began = time.perf_counter()
    table = form.read(io.BytesIO(whole.read()), formats.COLUMNS)
    between = time.perf_counter()
    column = form.read(part, (COLUMN,))
    ended = time.perf_counter()
    return {
        "size": whole.size,
        "full_seconds": between - began,
        "full_bytes": whole.bytes,
        "column_seconds": ended - between,
        "column_bytes": part.bytes,
        "column_requests": part.requests,
        "rows": table.num_rows,
        "checksum": formats.checksum(table),
        "column_checksum": formats.checksum(column),
    }


def opened(session: Session, place: dict[str, str]) -> "formats.Counted":
    """Open an object that is fetched by range, version by version."""
    s3 = session.client("s3")
    which = {"Bucket": place["bucket"], "Key": place["key"], "VersionId": place["version"]}

    def fetch(start: int, length: int) -> bytes:
        return s3.get_object(**which, Range=f"bytes={start}-{start + length - 1}")["Body"].read()

    return formats.Counted(s3.head_object(**which)["ContentLength"], fetch)


def plot(file: Path, measured: dict[str, dict[str, float]]) -> None:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    places = range(len(measured))
    axes.bar([p - 0.2 for p in places], [m["size"] / 1000 for m in measured.values()], 0.4, label="object")
    axes.bar(
        [p + 0.2 for p in places],
        [m["column_bytes"] / 1000 for m in measured.values()],
        0.4,
        label=f"read for the column {COLUMN}",
    )
    axes.set_xticks(places, list(measured))
    axes.set_ylabel("kilobytes")
    axes.set_title("One week of flights in six formats")
    axes.legend()
    figure.savefig(file, dpi=120)
