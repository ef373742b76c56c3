"""What one object is: its format, its columns and its rows, as Glue's built-in classifiers tell them."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow  # type: ignore[import-untyped]


@dataclass
class Found:
    """One table that a crawl found."""

    location: str
    format: str
    columns: dict[str, str]
    keys: list[str] = field(default_factory=list)
    partitions: dict[tuple[str, ...], str] = field(default_factory=dict)
    serde: dict[str, str] = field(default_factory=dict)
    skip: int = 0
    rows: int = 0
    size: int = 0
    objects: int = 0


def recognise(key: str, content: bytes) -> Found | None:
    """Format, columns and rows of one object; None where no built-in classifier would recognise it."""
    import pyarrow
    import pyarrow.json  # type: ignore[import-untyped]
    import pyarrow.orc  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    if key.endswith(".gz"):
        content = gzip.decompress(content)
    if content[:4] == b"PAR1":
        parquet = pyarrow.parquet.ParquetFile(io.BytesIO(content))
        return Found(key, "parquet", _columns(parquet.schema_arrow), rows=parquet.metadata.num_rows)
    if content[:3] == b"ORC":
        orc = pyarrow.orc.ORCFile(io.BytesIO(content))
        return Found(key, "orc", _columns(orc.schema), rows=orc.nrows)
    if content[:4] == b"Obj\x01":
        import fastavro

        records: list[Any] = list(fastavro.reader(io.BytesIO(content)))
        return Found(key, "avro", _columns(pyarrow.Table.from_pylist(records).schema), rows=len(records))
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if text.lstrip().startswith("{"):
        try:
            table = pyarrow.json.read_json(io.BytesIO(content))
        except pyarrow.ArrowInvalid:
            return None
        serde = {"paths": ",".join(sorted(table.column_names))}
        return Found(key, "json", _columns(table.schema), rows=table.num_rows, serde=serde)
    return _recognise_csv(key, content, text)


def _recognise_csv(key: str, content: bytes, text: str) -> Found | None:
    """A table of cells with a header: two columns or more, two rows or more, names unlike the values below them."""
    import pyarrow
    import pyarrow.csv  # type: ignore[import-untyped]

    delimiter = next((each for each in (",", "\t", "|", ";") if each in text.partition("\n")[0]), "")
    if not delimiter:
        return None
    try:
        table = pyarrow.csv.read_csv(io.BytesIO(content), parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter))
    except pyarrow.ArrowInvalid:
        return None
    header = next(csv.reader(io.StringIO(text), delimiter=delimiter))
    if len(header) < 2 or not table.num_rows or any(not name.strip() or _is_number(name) for name in header):
        return None
    serde = {"field.delim": delimiter, "skip.header.line.count": "1"}
    return Found(key, "csv", _columns(table.schema), rows=table.num_rows, serde=serde, skip=1)


def _columns(schema: pyarrow.Schema) -> dict[str, str]:
    return {each.name.lower(): hive_type(each.type) for each in schema}


def hive_type(kind: pyarrow.DataType) -> str:
    """The Hive type that Glue writes for an Arrow type."""
    from pyarrow import types

    if types.is_struct(kind):
        return "struct<" + ",".join(f"{each.name}:{hive_type(each.type)}" for each in kind) + ">"
    if types.is_list(kind):
        return f"array<{hive_type(kind.value_type)}>"
    if types.is_dictionary(kind):
        return hive_type(kind.value_type)
    if types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    simple = (
        (types.is_boolean, "boolean"),
        (types.is_int8, "tinyint"),
        (types.is_int16, "smallint"),
        (types.is_int32, "int"),
        (types.is_integer, "bigint"),
        (types.is_float32, "float"),
        (types.is_floating, "double"),
        (types.is_date, "date"),
        (types.is_timestamp, "timestamp"),
        (types.is_binary, "binary"),
    )
    return next((name for test, name in simple if test(kind)), "string")


def wider(one: str, other: str) -> str:
    """The type that holds the values of both."""
    if one == other:
        return one
    order = ["boolean", "tinyint", "smallint", "int", "bigint", "float", "double"]
    if one in order[1:] and other in order[1:]:
        return max(one, other, key=order.index)
    return "string"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
