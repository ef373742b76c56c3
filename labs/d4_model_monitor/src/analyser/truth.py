"""Labels that arrive late find their predictions, in memory that does not grow with their number.

A label is filed under the hour in which it was collected, not the hour of the prediction, so hours cannot be joined
with hours (docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html). Both sides are therefore
dealt out to shards on disk by a 64-bit hash of the event's name, about a million rows a shard, and each shard is joined
by sorting: a Grace hash join (Kitsuregawa, Tanaka and Moto-oka, 1983). Two of n different names share a hash with
probability about n*n/2**65: one in a few hundred thousand for ten million.

An event that names two different predictions or two different labels proves nothing; it is left out and counted.
"""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyser import canonical
from analyser.capture import LINES, documents
from analyser.cells import cell
from analyser.settings import Plan
from analyser.sketch import Floats

SHARD = 1 << 20  # rows in memory at a time
LINE = 250  # bytes: fewer than any capture line has, so that shards are rather too many than too few

PREDICTED = np.dtype([("key", "<i8"), ("score", "<f8"), ("facet", "<i1")])
LABELLED = np.dtype([("key", "<i8"), ("label", "<i1")])
Records = NDArray[Any]


@dataclass(eq=False)
class Labels:
    """Some labels, each with its event and its position in the event; 1 is the label the score stands for."""

    events: list[str]
    positions: list[int]
    values: list[int]


def read(portion: list[bytes], plan: Plan, reasons: Counter[str]) -> Labels:
    """Read lines of ground truth; a line that cannot be used is counted with its reason."""
    plain = canonical.labelled(portion)
    if plain is not None and not any("," in text for text, _ in plain):
        known = {text: cell(text) for text in {text for text, _ in plain}}
        if all(isinstance(value, float) and value == value for value in known.values()):
            found = [int(known[text] == plan.label_value) for text, _ in plain]
            return Labels([event for _, event in plain], [0] * len(plain), found)
    labels = Labels([], [], [])
    for document in documents(portion, reasons):
        try:
            data = document["groundTruthData"]
            event = document["eventMetadata"]["eventId"]
            text = data["data"]
            if data.get("encoding") == "BASE64":
                text = base64.b64decode(text, validate=True).decode()
            if data.get("encoding") == "JSON" or not isinstance(text, str):
                found = json.loads(text) if isinstance(text, str) else text
                values = [cell(str(value)) for value in (found if isinstance(found, list) else [found])]
            else:
                values = [cell(value) for value in text.strip().replace("\n", ",").split(",")]
        except (KeyError, TypeError, ValueError, AttributeError):
            reasons["not a ground truth record"] += 1
            continue
        for position, value in enumerate(values):
            if isinstance(value, str) or value != value:
                reasons["a label that is no number"] += 1
                continue
            labels.events.append(str(event))
            labels.positions.append(position)
            labels.values.append(int(value == plan.label_value))
    return labels


def portions(paths: Iterable[Path]) -> Iterator[list[bytes]]:
    """Give the lines of ground truth files, some thousands at a time."""
    for path in paths:
        with path.open("rb") as file:
            while portion := list(islice(file, LINES)):
                yield portion


def keys(events: Iterable[str], positions: Iterable[int], hashed: Callable[[str], int] = hash) -> NDArray[np.int64]:
    """Give a number per row; equal for equal event and position (with Python's own hash within one process only)."""
    return np.array(
        [hashed(event) ^ position * 0x9E3779B1 for event, position in zip(events, positions, strict=True)], "<i8"
    )


class Shards:
    """Predictions and labels dealt out to files by the hash of their event."""

    def __init__(self, folder: Path, *, size: int) -> None:
        self.folder = folder
        self.number = 1 + size // (LINE * SHARD)

    def put(self, kind: str, records: Records) -> None:
        """Append records to this process's files of their shards."""
        place = np.abs(records["key"] % self.number)
        for shard in range(self.number) if self.number > 1 else (0,):
            part = records[place == shard] if self.number > 1 else records
            if len(part):
                with (self.folder / f"{kind}-{shard}-{os.getpid()}").open("ab") as file:
                    part.tofile(file)

    def get(self, kind: str, shard: int, dtype: np.dtype[Any]) -> Records:
        """Read one shard, of all processes, and remove its files."""
        records = [np.zeros(0, dtype)]
        for path in sorted(self.folder.glob(f"{kind}-{shard}-*")):
            records.append(np.fromfile(path, dtype))
            path.unlink()
        return np.concatenate(records)

    def joined(self) -> Iterator[tuple[Floats, NDArray[np.int8], NDArray[np.int8], Counter[str]]]:
        """Give scores, labels and facets of the events that have both, shard by shard, and what had to be left out."""
        for shard in range(self.number):
            yield join(self.get("predicted", shard, PREDICTED), self.get("labelled", shard, LABELLED))


def predicted(names: NDArray[np.int64], scores: Floats, facets: NDArray[np.int8]) -> Records:
    """Put what a join needs of rows with a score into records."""
    scored = ~np.isnan(scores)
    records = np.zeros(int(np.count_nonzero(scored)), PREDICTED)
    records["key"], records["score"], records["facet"] = names[scored], scores[scored], facets[scored]
    return records


def labelled(names: NDArray[np.int64], values: list[int]) -> Records:
    records = np.zeros(len(values), LABELLED)
    records["key"], records["label"] = names, values
    return records


def join(left: Records, right: Records) -> tuple[Floats, NDArray[np.int8], NDArray[np.int8], Counter[str]]:
    """Join predictions with labels by key; equal repetitions count once."""
    seen: Counter[str] = Counter()
    left = once(left, ["score", "facet"], "captured twice", "captured twice, differently", seen)
    right = once(right, ["label"], "labelled twice", "labelled twice, differently", seen)
    _, mine, theirs = np.intersect1d(left["key"], right["key"], assume_unique=True, return_indices=True)
    seen["predictions without a label"] += len(left) - len(mine)
    seen["labels without a prediction"] += len(right) - len(mine)
    # In order of score, label and facet, so that sums do not depend on hashes, which differ from run to run.
    scores, labels, facets = left["score"][mine], right["label"][theirs], left["facet"][mine]
    order = np.lexsort((facets, labels, scores))
    return scores[order], labels[order], facets[order], seen


def once(records: Records, fields: list[str], repeated: str, contradicted: str, seen: Counter[str]) -> Records:
    """Keep one record of each key; keys whose records differ in `fields` go altogether."""
    if len(records) < 2:
        return records
    records = records[np.argsort(records["key"], kind="stable")]
    same = records["key"][1:] == records["key"][:-1]
    if not same.any():
        return records
    first = np.concatenate([[True], ~same])
    differs = np.zeros(len(same), dtype=bool)
    for name in fields:
        differs |= records[name][1:] != records[name][:-1]
    group = np.cumsum(first) - 1
    bad = np.zeros(group[-1] + 1, dtype=bool)
    bad[group[1:][same & differs]] = True
    seen[repeated] += int(np.count_nonzero(same & ~bad[group[1:]]))
    seen[contradicted] += int(np.count_nonzero(bad))
    kept: Records = records[first & ~bad[group]]
    return kept
