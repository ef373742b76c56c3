"""One table in six formats: write it, read all of it, read one column of it, and prove that the content is equal.

| format   | kept by | compression | types                                                       |
|----------|---------|-------------|-------------------------------------------------------------|
| csv      | row     | none        | none: text; an empty cell is unknown                         |
| json     | row     | none        | numbers and texts, the names again in every row              |
| avro     | row     | deflate     | in the file's header                                         |
| parquet  | column  | snappy      | in the file's footer                                         |
| orc      | column  | snappy      | in the file's footer                                         |
| recordio | row     | none        | 32-bit floats only: a text is its position in a code table   |

In RecordIO ``arr_delay`` is the label, the other columns are features in their order, and unknown is NaN. The code
table is JSON in the ``metadata`` of the first record, which no algorithm reads: for each text column its texts in
alphabetical order. A text's number is its position there.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.orc
import pyarrow.parquet
import recordio

TEXTS = ("carrier", "tailnum", "origin", "dest", "time_hour")
NUMBERS = (
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "flight", "air_time", "distance", "hour", "minute",
)  # fmt: skip
COLUMNS = (*NUMBERS[:9], "carrier", "flight", "tailnum", "origin", "dest", *NUMBERS[10:], "time_hour")
SCHEMA = pa.schema([(name, pa.string() if name in TEXTS else pa.int64()) for name in COLUMNS])

LABEL = "arr_delay"
FEATURES = tuple(name for name in COLUMNS if name != LABEL)
_AVRO = fastavro.parse_schema(
    {
        "type": "record",
        "name": "Flight",
        "fields": [
            {"name": name, "type": ["null", "string" if name in TEXTS else "long"], "default": None} for name in COLUMNS
        ],
    }
)
# Avro separates its blocks by 16 bytes that writers draw at random; fixed ones give the same file every time.
_AVRO_MARKER = b"flights-of-july-"


class Counted(io.RawIOBase):
    """A file of which only what is asked for is fetched, and which counts it.

    Args:
        size: bytes in the file.
        fetch: gives ``length`` bytes from ``start``, such as a request with a range.
    """

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self.size, self._fetch, self._position = size, fetch, 0
        self.bytes = self.requests = 0

    @classmethod
    def over(cls, data: bytes) -> "Counted":
        """A file that lies in memory."""
        return cls(len(data), lambda start, length: data[start : start + length])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self.size - self._position)
        length = left if size is None or size < 0 else min(size, left)
        if not length:
            return b""
        data = self._fetch(self._position, length)
        self._position += len(data)
        self.bytes += len(data)
        self.requests += 1
        return data

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class Format(NamedTuple):
    """How a format is written and read.

    Args:
        name: as in the names of folders and tables.
        suffix: of file names.
        columnar: values of one column lie together.
        codec: what compresses it.
        write: table to bytes; the same table gives the same bytes.
        read: file and wanted columns to table.
    """

    name: str
    suffix: str
    columnar: bool
    codec: str
    write: Callable[[pa.Table], bytes]
    read: Callable[[BinaryIO, tuple[str, ...]], pa.Table]


def checksum(table: pa.Table) -> str:
    """SHA-256 over names, types' meaning, order and values: equal for equal content, whatever format it came from."""
    digest = hashlib.sha256(json.dumps(table.column_names).encode())
    for row in zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True):
        digest.update(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()


def _write_csv(table: pa.Table) -> bytes:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(table.column_names)
    lines.writerows(tuple("" if value is None else value for value in row.values()) for row in table.to_pylist())
    return text.getvalue().encode()


def _read_csv(file: BinaryIO, columns: tuple[str, ...]) -> pa.Table:
    return pa.csv.read_csv(
        pa.BufferReader(file.read()),
        convert_options=pa.csv.ConvertOptions(
            column_types=SCHEMA, include_columns=columns, null_values=[""], strings_can_be_null=True
        ),
    )


def _write_json(table: pa.Table) -> bytes:
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in table.to_pylist()).encode()


def _read_json(file: BinaryIO, columns: tuple[str, ...]) -> pa.Table:
    options = pa.json.ParseOptions(explicit_schema=_part(columns), unexpected_field_behavior="ignore")
    return pa.json.read_json(pa.BufferReader(file.read()), parse_options=options).select(columns)


def _write_avro(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    fastavro.writer(buffer, _AVRO, table.to_pylist(), codec="deflate", sync_marker=_AVRO_MARKER)
    return buffer.getvalue()


def _read_avro(file: BinaryIO, columns: tuple[str, ...]) -> pa.Table:
    wanted = {**_AVRO, "fields": [field for field in _AVRO["fields"] if field["name"] in columns]}
    rows = fastavro.reader(io.BytesIO(file.read()), reader_schema=wanted)
    return pa.Table.from_pylist(list(rows), schema=_part(columns))


def _write_parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pa.parquet.write_table(table, buffer, compression="snappy")
    return buffer.getvalue()


def _read_parquet(file: BinaryIO, columns: tuple[str, ...]) -> pa.Table:
    return pa.parquet.ParquetFile(file, pre_buffer=False).read(columns=list(columns))


def _write_orc(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pa.orc.write_table(table, buffer, compression="snappy")
    return buffer.getvalue()


def _read_orc(file: BinaryIO, columns: tuple[str, ...]) -> pa.Table:
    return pa.orc.ORCFile(file).read(columns=list(columns)).select(columns)


def _write_recordio(table: pa.Table) -> bytes:
    codes = {name: sorted({value for value in table.column(name).to_pylist() if value is not None}) for name in TEXTS}
    numbers = np.column_stack([_as_floats(table, name, codes) for name in (*FEATURES, LABEL)])
    tables = json.dumps(codes, separators=(",", ":"))
    return recordio.write(
        recordio.Record(row[:-1], row[-1:], tables if number == 0 else "") for number, row in enumerate(numbers)
    )


def _as_floats(table: pa.Table, name: str, codes: dict[str, list[str]]) -> np.ndarray:
    values = table.column(name).to_pylist()
    if name in codes:
        places = {text: place for place, text in enumerate(codes[name])}
        values = [None if value is None else places[value] for value in values]
    floats = np.array([np.nan if value is None else value for value in values], dtype="<f4")
    if not all(value is None or int(stored) == value for value, stored in zip(values, floats, strict=True)):
        raise ValueError(f"{name}: a value needs more than the 24 bits that a 32-bit float keeps exactly")
    return floats


def _read_recordio(file: BinaryIO, columns: tuple[str, ...]) -> pa.Table:
    records = list(recordio.read(file))
    codes = json.loads(records[0].metadata)
    numbers = np.stack([np.concatenate([record.features, record.label]) for record in records])
    read = {}
    for name in columns:
        floats = numbers[:, (*FEATURES, LABEL).index(name)]
        values = [None if np.isnan(value) else int(value) for value in floats]
        read[name] = [None if v is None else codes[name][v] for v in values] if name in codes else values
    return pa.table(read, schema=_part(columns))


def _part(columns: tuple[str, ...]) -> pa.Schema:
    return pa.schema([SCHEMA.field(name) for name in columns])


FORMATS = {
    form.name: form
    for form in (
        Format("csv", "csv", False, "none", _write_csv, _read_csv),
        Format("json", "jsonl", False, "none", _write_json, _read_json),
        Format("avro", "avro", False, "deflate", _write_avro, _read_avro),
        Format("recordio", "rec", False, "none", _write_recordio, _read_recordio),
        Format("parquet", "parquet", True, "snappy", _write_parquet, _read_parquet),
        Format("orc", "orc", True, "snappy", _write_orc, _read_orc),
    )
}
