"""One table in six formats."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import formats
import pyarrow as pa
import pytest
from formats import COLUMNS, FORMATS, Counted, checksum

SMALL = pa.table(
    {name: ["a", None, "\u00e9"] if name in formats.TEXTS else [1, None, 2400] for name in COLUMNS},
    schema=formats.SCHEMA,
)


@pytest.mark.parametrize("name", FORMATS)
def test_content_is_the_same_after_writing_and_reading(name: str, flights: Any) -> None:
    form = FORMATS[name]
    assert checksum(form.read(io.BytesIO(form.write(flights)), COLUMNS)) == checksum(flights)


@pytest.mark.parametrize("name", FORMATS)
def test_unknown_values_and_other_letters_survive(name: str) -> None:
    form = FORMATS[name]
    assert form.read(io.BytesIO(form.write(SMALL)), COLUMNS).to_pylist() == SMALL.to_pylist()


@pytest.mark.parametrize("name", FORMATS)
def test_same_table_gives_the_same_bytes(name: str) -> None:
    assert FORMATS[name].write(SMALL) == FORMATS[name].write(SMALL)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("columns", [("distance",), ("tailnum", "arr_delay")])
def test_columns_can_be_read_alone(name: str, columns: tuple[str, ...], flights: Any) -> None:
    # WHEN some columns are read from a file that counts
    form = FORMATS[name]
    data = form.write(flights)
    file = Counted.over(data)
    found = form.read(file, columns)
    # THEN they are those columns, and only a columnar format leaves bytes untouched
    assert found.equals(flights.select(columns))
    assert (file.bytes < len(data)) == form.columnar


def test_written_csv_is_the_source_file(flights: Any, folder: Path) -> None:
    assert FORMATS["csv"].write(flights) == (folder / "data" / "flights.csv").read_bytes()


def test_checksum_sees_every_difference() -> None:
    rows = SMALL.to_pylist()
    changed = [
        pa.Table.from_pylist([{**rows[0], "distance": 2}, *rows[1:]], schema=formats.SCHEMA),
        pa.Table.from_pylist([{**rows[0], "tailnum": None}, *rows[1:]], schema=formats.SCHEMA),
        pa.Table.from_pylist([{**rows[0], "tailnum": ""}, *rows[1:]], schema=formats.SCHEMA),
        pa.Table.from_pylist(rows[::-1], schema=formats.SCHEMA),
        pa.Table.from_pylist(rows[:2], schema=formats.SCHEMA),
        SMALL.rename_columns(["years", *COLUMNS[1:]]),
    ]
    assert len({checksum(table) for table in (SMALL, *changed)}) == 1 + len(changed)


def test_recordio_refuses_numbers_that_a_float_would_change() -> None:
    rows = [{**row, "flight": 2**24 + 1} for row in SMALL.to_pylist()]
    with pytest.raises(ValueError, match="flight: a value needs more than the 24 bits"):
        FORMATS["recordio"].write(pa.Table.from_pylist(rows, schema=formats.SCHEMA))


def test_counted_file_counts_what_was_fetched_and_no_more() -> None:
    asked: list[tuple[int, int]] = []
    data = bytes(range(100))

    def fetch(start: int, length: int) -> bytes:
        asked.append((start, length))
        return data[start : start + length]

    file = Counted(100, fetch)
    file.seek(-10, io.SEEK_END)
    assert file.read(4) == data[90:94]
    assert file.read(50) == data[94:]
    assert file.read() == b""
    assert (asked, file.bytes, file.requests) == ([(90, 4), (94, 6)], 10, 2)
