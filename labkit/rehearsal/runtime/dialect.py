"""The small part of Athena's SQL that DuckDB spells differently, and how its errors read in Athena's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

# Functions of Athena engine version 3 (Trino) as macros over DuckDB's.
MACROS = (
    "approx_percentile(x, p) AS approx_quantile(x, p)",
    "approx_distinct(x) AS approx_count_distinct(x)",
    "regexp_like(s, p) AS regexp_matches(s, p)",
    "date_add(unit, n, moment) AS moment + CASE lower(unit) WHEN 'second' THEN to_seconds(n) "
    "WHEN 'minute' THEN to_minutes(n) WHEN 'hour' THEN to_hours(n) WHEN 'day' THEN to_days(n) "
    "WHEN 'week' THEN to_days(n * 7) WHEN 'month' THEN to_months(n) WHEN 'year' THEN to_years(n) END",
    "from_unixtime(x) AS CAST(to_timestamp(x) AS TIMESTAMP)",
    "to_unixtime(x) AS epoch(x)",
    "from_iso8601_timestamp(s) AS CAST(s AS TIMESTAMP)",
    "json_extract_scalar(j, p) AS json_extract_string(j, p)",
    "cardinality(x) AS len(x)",
    "arbitrary(x) AS any_value(x)",
    "is_nan(x) AS isnan(x)",
)
# With a format as MySQL spells it; DuckDB wants it as a constant, so a macro cannot do it.
_FORMATTED = {"date_parse": "strptime", "date_format": "strftime"}
_TYPES = {
    "VARCHAR": "varchar",
    "BIGINT": "bigint",
    "HUGEINT": "bigint",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "TINYINT": "tinyint",
    "DOUBLE": "double",
    "FLOAT": "float",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "BLOB": "varbinary",
}


def macros(now: datetime) -> list[str]:
    """The statements that define what Athena has and DuckDB lacks, with the emulated time as now()."""
    stamp = f"{now:%Y-%m-%d %H:%M:%S}"
    return [f"CREATE MACRO {text}" for text in (*MACROS, f"now() AS TIMESTAMP '{stamp}'")]


def athena_type(name: str) -> str:
    """Athena's name of a DuckDB type."""
    if name.startswith("DECIMAL"):
        return name.lower()
    if name.startswith("TIMESTAMP"):
        return "timestamp with time zone" if "TIME ZONE" in name else "timestamp"
    if name.endswith("[]"):
        return "array"
    return _TYPES.get(name, "row" if name.startswith("STRUCT") else name.lower())


def explained(error: str) -> str:
    """A DuckDB error as Athena's StateChangeReason."""
    first = error.partition("\n")[0]
    if column := re.search(r'Referenced column "([^"]+)" not found', first):
        return f"COLUMN_NOT_FOUND: Column '{column[1]}' cannot be resolved"
    if function := re.search(r"Function with name (\w+) does not exist", first):
        return f"FUNCTION_NOT_FOUND: Function '{function[1]}' not registered"
    if table := re.search(r"Table with name (\S+) does not exist", first):
        return f"TABLE_NOT_FOUND: Table '{table[1]}' does not exist"
    kind, _, text = first.partition(": ")
    if kind in ("Parser Error", "Binder Error", "Catalog Error"):
        return f"SYNTAX_ERROR: {text}"
    return f"GENERIC_USER_ERROR: {first}"


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a serialized statement."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value)


def respelled(statement: dict[str, Any]) -> bool:
    """Put DuckDB's functions in the place of Athena's date_parse and date_format; whether there were any."""
    changed = False
    for node in nodes(statement):
        if node.get("class") == "FUNCTION" and (name := _FORMATTED.get(str(node["function_name"]).lower())):
            node["function_name"], node["qualified_name"] = name, {"path": [name]}
            for argument in nodes(node["arguments"]):
                if argument.get("kind") == "STRING":
                    argument["text"] = argument["text"].replace("%i", "%M").replace("%s", "%S")
            changed = True
    return changed


def tables(statement: dict[str, Any]) -> list[tuple[str | None, str]]:
    """Database and name of each table that a statement reads; common table expressions are none."""
    own = {entry["key"].lower() for node in nodes(statement) for entry in node.get("cte_map", {}).get("map", [])}
    found = []
    for node in nodes(statement):
        if node.get("type") == "BASE_TABLE":
            *_, database, name = [None, *(part.lower() for part in node["qualified_name"]["path"])]
            if (database is not None or name not in own) and (database, name) not in found:
                found.append((database, str(name)))
    return found


def columns(statement: dict[str, Any]) -> set[str] | None:
    """The column names that a statement mentions; None if it takes all of them (``*``)."""
    found: set[str] = set()
    for node in nodes(statement):
        if node.get("class") == "STAR" and node.get("type") == "STAR":
            return None
        if node.get("class") == "COLUMN_REF":
            found.update(part.lower() for part in node["column_names"])
    for node in nodes(statement):
        found.update(str(name).lower() for name in node.get("using_columns", []) or [])
    return found


def unnamed(statement: dict[str, Any]) -> dict[int, str]:
    """Athena's names (``_col0`` ...) of the result columns that have neither an alias nor a column's name."""
    node = statement["node"]
    while node["type"] == "SET_OPERATION_NODE":
        node = node.get("left") or node["children"][0]
    chosen = node.get("select_list", [])
    if any(item["class"] == "STAR" for item in chosen):
        return {}
    return {
        number: f"_col{number}"
        for number, item in enumerate(chosen)
        if not item["alias"] and item["class"] != "COLUMN_REF"
    }


def partition_filter(statement: dict[str, Any], table: str, keys: set[str]) -> list[dict[str, Any]] | None:
    """The conditions of a statement that only partition keys of ``table`` decide, as parts of its tree.

    None if there are none, or if it reads the table in a way from which that cannot be told: then all are needed.
    """
    reads = [node for node in nodes(statement) if node.get("type") == "BASE_TABLE" and _last(node) == table]
    selects = [
        node
        for node in nodes(statement)
        if node.get("type") == "SELECT_NODE"
        and isinstance(node.get("from_table"), dict)
        and node["from_table"].get("type") == "BASE_TABLE"
        and _last(node["from_table"]) == table
    ]
    if len(reads) != 1 or len(selects) != 1:
        return None
    where = selects[0].get("where_clause")
    conjuncts = where["children"] if where and where.get("type") == "CONJUNCTION_AND" else [where] if where else []
    usable = []
    for conjunct in conjuncts:
        inside = list(nodes(conjunct))
        named = {node["column_names"][-1].lower() for node in inside if node.get("class") == "COLUMN_REF"}
        if named and named <= keys and not any(node.get("class") == "SUBQUERY" for node in inside):
            for node in inside:
                if node.get("class") == "COLUMN_REF":
                    node["column_names"] = node["column_names"][-1:]
            usable.append(conjunct)
    return usable or None


def _last(node: dict[str, Any]) -> str:
    return str(node["qualified_name"]["path"][-1]).lower()
