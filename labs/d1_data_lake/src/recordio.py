"""A table of numbers as SageMaker's built-in algorithms read it: one protobuf record per row, framed as RecordIO.

A row is an ``aialgs.data.Record``: its features are one dense tensor of 32-bit floats named ``values``, its label
another. A record stands in a frame of magic number, length and padding to four bytes.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

import numpy as np

MAGIC = 0xCED7230A
_HEADER = struct.Struct("<II")

# Field numbers of the message types Record, Value, Float32Tensor, and of the entries of a protobuf map.
_FEATURES, _LABEL, _METADATA = 1, 2, 4
_FLOAT32_TENSOR = 2
_VALUES = 1
_MAP_KEY, _MAP_VALUE = 1, 2
# Protobuf wire types.
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5


class Record(NamedTuple):
    """One row: its features, its label, and a text that no algorithm reads."""

    features: np.ndarray
    label: np.ndarray
    metadata: str = ""


def write(records: Iterable[Record]) -> bytes:
    """Records one after the other, each in its frame."""
    return b"".join(_framed(_record(record)) for record in records)


def read(file: BinaryIO) -> Iterator[Record]:
    """The records of a file.

    Raises:
        ValueError: it is not RecordIO, or it ends in the middle of a record.
    """
    data = memoryview(file.read())
    position = 0
    while position < len(data):
        if position + _HEADER.size > len(data):
            raise ValueError(f"RecordIO: the file ends in the header at byte {position}")
        magic, length = _HEADER.unpack_from(data, position)
        if magic != MAGIC:
            raise ValueError(f"RecordIO: no record begins at byte {position}: found {magic:#010x}, not {MAGIC:#010x}")
        start = position + _HEADER.size
        # The three highest bits tell parts of a record apart that was split; these are whole.
        if length >> 29 or start + length > len(data):
            raise ValueError(f"RecordIO: the record at byte {position} is split or cut off")
        yield _parsed(data[start : start + length])
        position = start + length + -length % 4


def _framed(record: bytes) -> bytes:
    return _HEADER.pack(MAGIC, len(record)) + record + bytes(-len(record) % 4)


def _record(record: Record) -> bytes:
    parts = [_entry(_FEATURES, record.features), _entry(_LABEL, record.label)]
    if record.metadata:
        parts.append(_field(_METADATA, record.metadata.encode()))
    return b"".join(parts)


def _entry(number: int, values: Sequence[float] | np.ndarray) -> bytes:
    """An entry of the map ``features`` or ``label``: the name ``values`` and a dense tensor."""
    tensor = _field(_VALUES, np.asarray(values, dtype="<f4").tobytes())
    return _field(number, _field(_MAP_KEY, b"values") + _field(_MAP_VALUE, _field(_FLOAT32_TENSOR, tensor)))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _parsed(data: memoryview) -> Record:
    found: dict[int, bytes | np.ndarray] = {_METADATA: b""}
    for number, content in _fields(data):
        if number in (_FEATURES, _LABEL):
            found[number] = _tensor(content)
        elif number == _METADATA:
            found[number] = bytes(content)
    if missing := {_FEATURES, _LABEL} - found.keys():
        raise ValueError(f"RecordIO: a record lacks {'features' if _FEATURES in missing else 'its label'}")
    return Record(np.asarray(found[_FEATURES]), np.asarray(found[_LABEL]), bytes(found[_METADATA]).decode())


def _tensor(entry: memoryview) -> np.ndarray:
    """The floats of a map entry: entry, value, tensor, values."""
    for number in (_MAP_VALUE, _FLOAT32_TENSOR, _VALUES):
        entry = next((content for field, content in _fields(entry) if field == number), memoryview(b""))
    return np.frombuffer(entry, dtype="<f4")


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and content of each field of a message."""
    position = 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        number, wire = tag >> 3, tag & 7
        if wire == _LENGTH:
            length, position = _read_varint(data, position)
        elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
            length = 8 if wire == _EIGHT_BYTES else 4
        elif wire == _VARINT:
            length = _read_varint(data, position)[1] - position
        else:
            raise ValueError(f"RecordIO: field {number} has the unknown wire type {wire}")
        yield number, data[position : position + length]
        position += length


def _read_varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        octet = data[position]
        value |= (octet & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if octet < 0x80:
            return value, position
