"""Runs one SELECT over catalog tables with DuckDB, which can reach no file and no network."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import dialect
from labkit.rehearsal.runtime.formats import BadDataError, Table, read

if TYPE_CHECKING:
    import duckdb
    import pyarrow  # type: ignore[import-untyped]

_MEMORY = "1GB"


class QueryError(Exception):
    """Why a query failed, in Athena's words."""


class CutoffError(Exception):
    """More bytes than the work group allows per query."""


@dataclass(frozen=True)
class Place:
    """Where rows of a table lie: the values of its partition keys and its objects."""

    values: tuple[str, ...]
    objects: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A table and how to get at its objects."""

    table: Table
    places: Callable[[], Sequence[Place]]
    content: Callable[[str], bytes]


@dataclass(frozen=True)
class Rows:
    """The result of a query.

    Args:
        scanned: bytes that had to be read of the objects.
    """

    names: list[str]
    types: list[str]
    values: list[tuple[Any, ...]]
    scanned: int


def run(
    query: str, *, database: str, find: Callable[[str, str], Source | None], now: datetime, cutoff: int | None
) -> Rows:
    """Execute a query.

    Args:
        find: the table of a database, or None.
        cutoff: most bytes that may be scanned.

    Raises:
        QueryError: the query is wrong, or its data is.
        CutoffError: it would scan more than ``cutoff``.
    """
    import duckdb

    connection = duckdb.connect()
    try:
        statement = _parsed(connection, query)
        connection.execute("ATTACH ':memory:' AS awsdatacatalog")
        connection.execute(f"SET memory_limit = '{_MEMORY}'; SET threads = 1; SET integer_division = true")
        connection.execute("SET enable_external_access = false")
        _create_schema(connection, database)
        connection.execute(f"USE awsdatacatalog.{_quoted(database)}")
        for macro in dialect.macros(now):
            connection.execute(macro)
        scanned = 0
        for own_database, name in dialect.tables(statement):
            place = own_database or database
            source = find(place, name)
            if source is None:
                raise QueryError(f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{place}.{name}' does not exist")
            rows, size = _load(connection, source, statement)
            scanned += size
            if cutoff is not None and scanned > cutoff:
                raise CutoffError
            _create_schema(connection, place)
            connection.register("loaded", rows)
            whole_name = f"awsdatacatalog.{_quoted(place)}.{_quoted(name)}"
            connection.execute(f"CREATE TABLE {whole_name} AS SELECT * FROM loaded")  # noqa: S608
            connection.unregister("loaded")
        renamed = dialect.unnamed(statement)
        if dialect.respelled(statement):
            query = _text(connection, statement)
        done = connection.execute(query)
        described = done.description or []
        names = [renamed.get(number, column[0]) for number, column in enumerate(described)]
        types = [dialect.athena_type(str(column[1])) for column in described]
        return Rows(names, types, done.fetchall(), scanned)
    except duckdb.Error as error:
        raise QueryError(dialect.explained(str(error))) from error
    finally:
        connection.close()


def _parsed(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    tree = json.loads(connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()[0][0])
    if tree["error"]:
        message = tree["error_message"]
        if "Only SELECT" in message:
            raise QueryError("NOT_SUPPORTED: the rehearsal runs SELECT statements and the DDL it documents")
        raise QueryError(f"SYNTAX_ERROR: {message}")
    if len(tree["statements"]) != 1:
        raise QueryError("SYNTAX_ERROR: Only one sql statement is allowed.")
    statement: dict[str, Any] = tree["statements"][0]
    return statement


def _text(connection: duckdb.DuckDBPyConnection, statement: dict[str, Any]) -> str:
    tree = json.dumps({"error": False, "statements": [statement]})
    rows = connection.execute("SELECT json_deserialize_sql(?)", [tree]).fetchall()
    return str(rows[0][0])


def _load(
    connection: duckdb.DuckDBPyConnection, source: Source, statement: dict[str, Any]
) -> tuple[pyarrow.Table, int]:
    import pyarrow

    from labkit.rehearsal.runtime.formats import arrow_type

    table = source.table
    if not table.format:
        raise QueryError(f"HIVE_UNSUPPORTED_FORMAT: the serialization library of {table.name} is not rehearsed")
    mentioned = dialect.columns(statement)
    wanted = [name for name in table.columns if mentioned is None or name in mentioned]
    parts, scanned = [], 0
    for place in _needed(connection, source, statement):
        for key in place.objects:
            try:
                part = read(table, key, source.content(key), wanted)
            except BadDataError as error:
                raise QueryError(f"HIVE_BAD_DATA: Error reading {error}") from error
            scanned += part.scanned
            rows = part.table
            for name, value in zip(table.keys, place.values, strict=True):
                filled = pyarrow.array([value], pyarrow.string()).cast(arrow_type(table.keys[name]) or pyarrow.string())
                rows = rows.append_column(
                    name, pyarrow.chunked_array([filled.take(pyarrow.array([0] * rows.num_rows))])
                )
            parts.append(rows)
    if parts:
        whole = pyarrow.concat_tables(parts, promote_options="permissive")
        return whole.rename_columns([name or "_rows" for name in whole.column_names]), scanned
    hive = {**{name: table.columns[name] for name in wanted}, **table.keys} or {"_rows": "string"}
    empty = {name: pyarrow.array([], arrow_type(kind) or pyarrow.string()) for name, kind in hive.items()}
    return pyarrow.table(empty), 0


def _needed(connection: duckdb.DuckDBPyConnection, source: Source, statement: dict[str, Any]) -> Sequence[Place]:
    """The places that the conditions on partition keys leave."""
    import pyarrow

    from labkit.rehearsal.runtime.formats import arrow_type

    places = list(source.places())
    keys = source.table.keys
    if not keys or not places:
        return places
    conditions = dialect.partition_filter(copy.deepcopy(statement), source.table.name, set(keys))
    if conditions is None:
        return places
    template = _parsed(connection, "SELECT number FROM parts WHERE true AND true")
    # A conjunction has two parts or more.
    template["node"]["where_clause"]["children"] = conditions if len(conditions) > 1 else conditions * 2
    columns = {
        name: pyarrow.array([place.values[index] for place in places], pyarrow.string()).cast(
            arrow_type(kind) or pyarrow.string()
        )
        for index, (name, kind) in enumerate(keys.items())
    }
    connection.register("parts", pyarrow.table({"number": list(range(len(places))), **columns}))
    try:
        chosen = connection.execute(_text(connection, template)).fetchall()
    finally:
        connection.unregister("parts")
    return [places[number] for (number,) in chosen]


def _create_schema(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS awsdatacatalog.{_quoted(name)}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
