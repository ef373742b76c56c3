"""Reads the objects of a catalog table in its own format, and says how many bytes that really needed."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow  # type: ignore[import-untyped]

_SERDES = {
    "parquet": "parquet",
    "orc": "orc",
    "avro": "avro",
    "opencsv": "csv",
    "lazysimple": "csv",
    "json": "json",
}


class BadDataError(Exception):
    """An object that is not what its table says."""


@dataclass(frozen=True)
class Table:
    """What the catalog says of a table.

    Args:
        columns: name and Hive type of each column that the objects hold.
        keys: name and Hive type of each partition key.
    """

    name: str
    format: str
    columns: dict[str, str]
    keys: dict[str, str]
    serde: Mapping[str, str] = field(default_factory=dict)
    quoted: bool = False
    skip: int = 0


@dataclass(frozen=True)
class Part:
    """The content of one object that a query needs."""

    table: pyarrow.Table
    scanned: int


def described(table: Mapping[str, Any]) -> Table:
    """The table that Glue describes; its format is empty if it is none that can be read."""
    storage = table.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    library = serde.get("SerializationLibrary", "").lower()
    parameters = {**serde.get("Parameters", {})}
    skip = table.get("Parameters", {}).get("skip.header.line.count", parameters.get("skip.header.line.count", "0"))
    return Table(
        name=table["Name"],
        format=next((kind for word, kind in _SERDES.items() if word in library), ""),
        columns={column["Name"].lower(): column.get("Type", "string") for column in storage.get("Columns", [])},
        keys={column["Name"].lower(): column.get("Type", "string") for column in table.get("PartitionKeys", [])},
        serde=parameters,
        quoted="opencsv" in library,
        skip=int(skip),
    )


def read(table: Table, key: str, content: bytes, columns: Sequence[str]) -> Part:
    """Read ``columns`` of one object.

    Raises:
        BadDataError: the object is not of the table's format.
    """
    import pyarrow

    scanned = len(content)
    try:
        if table.format == "parquet":
            found, scanned = _parquet(content, columns)
        elif table.format == "orc":
            found, scanned = _orc(content, columns)
        else:
            plain = gzip.decompress(content) if key.endswith(".gz") else content
            found = {"avro": _avro, "json": _json, "csv": _csv}[table.format](table, plain)
        return Part(_as_declared(table, found, columns), scanned)
    except (pyarrow.ArrowException, ValueError, OSError, EOFError, KeyError) as error:
        raise BadDataError(f"{key}: {error}") from error


def arrow_type(hive: str) -> pyarrow.DataType | None:
    """The Arrow type of a Hive type; None for nested ones, which stay as they are read."""
    import pyarrow

    simple = {
        "tinyint": pyarrow.int8(),
        "smallint": pyarrow.int16(),
        "int": pyarrow.int32(),
        "integer": pyarrow.int32(),
        "bigint": pyarrow.int64(),
        "float": pyarrow.float32(),
        "double": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "string": pyarrow.string(),
        "date": pyarrow.date32(),
        "timestamp": pyarrow.timestamp("ms"),
        "binary": pyarrow.binary(),
    }
    name = hive.lower().strip()
    if name.startswith(("varchar", "char")):
        return pyarrow.string()
    if name.startswith("decimal"):
        precision, _, scale = name.removeprefix("decimal").strip("()").partition(",")
        return pyarrow.decimal128(int(precision or 10), int(scale or 0))
    return simple.get(name)


def _as_declared(table: Table, found: pyarrow.Table, columns: Sequence[str]) -> pyarrow.Table:
    import pyarrow

    by_name = {name.lower(): name for name in found.column_names}
    arrays = []
    for column in columns:
        wanted = arrow_type(table.columns[column])
        if column not in by_name:
            arrays.append(pyarrow.nulls(found.num_rows, wanted or pyarrow.string()))
            continue
        values = found.column(by_name[column]).combine_chunks()
        if wanted is not None and values.type != wanted:
            values = _cast(values, wanted, lenient=table.format == "csv")
        arrays.append(values)
    if not columns:
        return pyarrow.table({"": pyarrow.nulls(found.num_rows)})
    return pyarrow.table(dict(zip(columns, arrays, strict=True)))


def _cast(values: Any, wanted: pyarrow.DataType, *, lenient: bool) -> Any:
    import pyarrow
    import pyarrow.compute as compute  # type: ignore[import-untyped]

    if not lenient or not pyarrow.types.is_string(values.type):
        return values.cast(wanted, safe=False)
    if not pyarrow.types.is_string(wanted):
        trimmed = compute.utf8_trim_whitespace(values)
        values = compute.if_else(compute.equal(trimmed, ""), pyarrow.scalar(None, pyarrow.string()), trimmed)
    try:
        return values.cast(wanted)
    except pyarrow.ArrowInvalid:  # a cell that is not of its column's type reads as NULL
        return pyarrow.array([_one(value, wanted) for value in values.to_pylist()], wanted)


def _one(value: str | None, wanted: pyarrow.DataType) -> Any:
    import pyarrow

    if value is None:
        return None
    try:
        return pyarrow.scalar(value).cast(wanted).as_py()
    except pyarrow.ArrowInvalid:
        return None


def _parquet(content: bytes, columns: Sequence[str]) -> tuple[pyarrow.Table, int]:
    import pyarrow.parquet  # type: ignore[import-untyped]

    file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
    wanted = set(columns)
    names = [name for name in file.schema_arrow.names if name.lower() in wanted]
    scanned = 0
    for group in range(file.metadata.num_row_groups):
        row_group = file.metadata.row_group(group)
        for index in range(row_group.num_columns):
            chunk = row_group.column(index)
            if chunk.path_in_schema.split(".")[0].lower() in wanted:
                scanned += chunk.total_compressed_size
    if names:
        return file.read(columns=names), scanned
    import pyarrow as arrow

    return arrow.table({"": arrow.nulls(file.metadata.num_rows)}), scanned


class _Counting(io.BytesIO):
    """Counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


def _orc(content: bytes, columns: Sequence[str]) -> tuple[pyarrow.Table, int]:
    import pyarrow
    import pyarrow.orc  # type: ignore[import-untyped]

    counting = _Counting(content)
    file = pyarrow.orc.ORCFile(pyarrow.PythonFile(counting, "r"))
    tail = counting.count  # the reader takes the end of the file at once, whatever it needs of it
    names = [name for name in file.schema.names if name.lower() in set(columns)]
    if not names:
        return pyarrow.table({"": pyarrow.nulls(file.nrows)}), 0
    return file.read(columns=names), counting.count - tail


def _avro(table: Table, content: bytes) -> pyarrow.Table:
    import fastavro
    import pyarrow

    records: list[Any] = list(fastavro.reader(io.BytesIO(content)))
    return pyarrow.Table.from_pylist(records)


def _json(table: Table, content: bytes) -> pyarrow.Table:
    import pyarrow.json  # type: ignore[import-untyped]

    return pyarrow.json.read_json(io.BytesIO(content))


def _csv(table: Table, content: bytes) -> pyarrow.Table:
    import pyarrow
    import pyarrow.csv  # type: ignore[import-untyped]

    names = list(table.columns)
    delimiter = (
        table.serde.get("separatorChar")
        or table.serde.get("field.delim")
        or ("," if table.quoted else table.serde.get("serialization.format", "\x01"))
    )
    quote = table.serde.get("quoteChar", '"') if table.quoted else False
    parse = pyarrow.csv.ParseOptions(delimiter=delimiter, quote_char=quote, newlines_in_values=bool(quote))
    reading = pyarrow.csv.ReadOptions(column_names=names, skip_rows=table.skip)
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pyarrow.string()),
        null_values=[] if table.quoted else ["\\N"],
        strings_can_be_null=not table.quoted,
    )
    if not content.strip():
        return pyarrow.table({name: pyarrow.array([], pyarrow.string()) for name in names})
    return pyarrow.csv.read_csv(io.BytesIO(content), reading, parse, convert)
