"""The named queries, run over the lab's data and over planted faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import formats
import pyarrow as pa
import pytest

from labkit.catalogue import ROOT

QUERIES = sorted((ROOT / "labs" / "d1_data_lake" / "src" / "queries").glob("*.sql"))
TABLES = ("csv", "json", "avro", "parquet", "orc", "copies")


def ask(query: Path | str, **tables: Any) -> list[dict[str, Any]]:
    file = next(path for path in QUERIES if path.stem == query) if isinstance(query, str) else query
    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(f"flights_{name}", table)
    return connection.sql(file.read_text()).to_arrow_table().to_pylist()


@pytest.mark.parametrize("query", QUERIES, ids=lambda path: path.stem)
def test_every_query_answers(query: Path, flights: Any) -> None:
    assert ask(query, **dict.fromkeys(TABLES, flights))


def test_formats_compare_equal_until_one_differs(flights: Any) -> None:
    tables = dict.fromkeys(TABLES, flights)

    def contents() -> set[tuple[Any, ...]]:
        return {tuple(row.values())[1:] for row in ask("format_comparison", **tables)}

    assert len(contents()) == 1
    tables["orc"] = flights.slice(1)
    assert len(contents()) == 2


def test_unknown_values_are_counted_in_each_column(flights: Any) -> None:
    [shares] = ask("null_share", parquet=flights)
    for column in set(shares) - {"flights"}:
        assert shares[column] == pytest.approx(flights.column(column).null_count / flights.num_rows), column


def planted(flights: Any, **values: Any) -> Any:
    """The flights and one more like the first, with other values."""
    row = {**flights.slice(0, 1).to_pylist()[0], **values}
    return pa.concat_tables([flights, pa.Table.from_pylist([row], schema=formats.SCHEMA)])


def test_repeated_row_is_found(flights: Any) -> None:
    def departures(table: Any) -> int:
        return int({row["repeated"]: row["surplus_rows"] for row in ask("duplicates", parquet=table)}["departure"])

    assert departures(flights) == 0
    assert departures(planted(flights)) == 1


def test_impossible_value_is_found(flights: Any) -> None:
    def impossible(table: Any) -> dict[str, int]:
        return {row["measure"]: int(row["impossible"]) for row in ask("ranges", parquet=table)}

    assert set(impossible(flights).values()) == {0}
    assert impossible(planted(flights, distance=0, dep_time=2401)) == {
        "air_time": 0,
        "arr_delay": 0,
        "dep_time": 1,
        "distance": 1,
    }


def test_outlier_is_found_at_its_airport(flights: Any) -> None:
    def above(table: Any) -> dict[str, int]:
        return {row["origin"]: int(row["above"]) for row in ask("outliers", parquet=table)}

    before = above(flights)
    assert above(planted(flights, origin="LGA", dep_delay=5000)) == {**before, "LGA": before["LGA"] + 1}
