"""Records as SageMaker's algorithms read them."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import recordio
from recordio import Record


def record(features: list[float], label: float = 0.0, metadata: str = "") -> Record:
    return Record(np.array(features, "<f4"), np.array([label], "<f4"), metadata)


def test_bytes_are_those_of_the_published_message_types() -> None:
    # GIVEN a row of two features, and its encoding worked out by hand from the .proto file of the user guide
    tensor = b"\x0a\x08" + struct.pack("<2f", 1.0, 2.0)
    features = b"\x0a\x16" + b"\x0a\x06values" + b"\x12\x0c" + b"\x12\x0a" + tensor
    label = b"\x12\x12" + b"\x0a\x06values" + b"\x12\x08" + b"\x12\x06" + b"\x0a\x04" + struct.pack("<f", 0.5)
    # WHEN it is written
    written = recordio.write([record([1.0, 2.0], 0.5)])
    # THEN the frame holds exactly that
    assert written == b"\x0a\x23\xd7\xce" + struct.pack("<I", 44) + features + label


@pytest.mark.parametrize("length", range(1, 5))
def test_frames_are_padded_to_four_bytes(length: int) -> None:
    written = recordio.write([record([1.0], metadata="m" * length), record([2.0])])
    assert len(written) % 4 == 0
    assert [float(found.features[0]) for found in recordio.read(io.BytesIO(written))] == [1.0, 2.0]


def test_reading_gives_back_what_was_written() -> None:
    rows = [
        record([1.5, float("nan")], float("nan"), '{"codes":"\u00e9"}'),
        record([float(n) for n in range(300)], -7.0),
    ]
    found = list(recordio.read(io.BytesIO(recordio.write(rows))))
    for one, other in zip(rows, found, strict=True):
        np.testing.assert_array_equal(one.features, other.features)
        np.testing.assert_array_equal(one.label, other.label)
        assert one.metadata == other.metadata


def test_unknown_fields_are_passed_over() -> None:
    # GIVEN a record with a uid (field 3), a number and eight fixed bytes that another writer added
    inner = recordio.write([record([4.0], 2.0)])[8:]
    extended = b"\x1a\x02id" + b"\x30\x96\x01" + b"\x39" + bytes(8) + inner
    framed = struct.pack("<II", recordio.MAGIC, len(extended)) + extended + bytes(-len(extended) % 4)
    # THEN features and label are found all the same
    [found] = recordio.read(io.BytesIO(framed))
    assert (found.features.tolist(), found.label.tolist()) == ([4.0], [2.0])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"PAR1" + data[4:], "no record begins at byte 0"),
        (lambda data: data[:-4], "cut off"),
        (lambda data: data + b"\x0a", "ends in the header"),
        (lambda data: data[:7] + b"\x20" + data[8:], "split"),
    ],
)
def test_what_is_no_whole_record_is_refused(damage: object, message: str) -> None:
    data = damage(recordio.write([record([1.0, 2.0, 3.0])]))  # type: ignore[operator]
    with pytest.raises(ValueError, match=message):
        list(recordio.read(io.BytesIO(data)))


def test_record_without_a_label_is_refused() -> None:
    whole = recordio.write([record([1.0])])[8:]
    features = whole[:20]
    framed = struct.pack("<II", recordio.MAGIC, len(features)) + features
    with pytest.raises(ValueError, match="lacks its label"):
        list(recordio.read(io.BytesIO(framed)))
