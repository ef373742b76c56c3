"""The numbers of analyse.py for traffic that outgrows one machine: the same code on each part, then merged.

    mode=monitor spark-submit analyse_spark.py

Takes the settings of analyse.py; `dataset_source` and `ground_truth_source` may also be s3:// addresses. Counts, bins
and sketches do not depend on how the lines are divided, so they are equal bit for bit; means and variances are added up
in another order and agree to about 1e-12. Labels meet their predictions by a shuffle on a hash of the event, in as many
parts as the traffic has. The model, baseline and output are the driver's: it alone draws conclusions.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from analyse import main
from analyser import capture, run, settings, truth
from analyser.columns import Bins
from analyser.settings import Places, Plan, Refused
from analyser.traffic import Outcomes, Traffic

SOURCES = ("dataset_source", "ground_truth_source")
TRAFFIC, PREDICTED, LABELLED, REASONS = "traffic", "predicted", "labelled", "reasons"


def stable(event: str) -> int:
    """Hash a name to 64 bits, the same in every process."""
    return int.from_bytes(hashlib.blake2b(event.encode(), digest_size=8).digest(), "little", signed=True)


def dealt(kind: str, records: truth.Records, shards: int) -> Iterator[tuple[str, int, truth.Records]]:
    """Divide records by the shard of their key."""
    place = records["key"] % shards
    for shard in range(shards):
        part = records[place == shard]
        if len(part):
            yield kind, shard, part


def read_traffic(
    lines: Iterable[bytes], plan: Plan, bins: dict[str, Bins], sample: int, shards: int
) -> Iterator[tuple[str, int, Any]]:
    """Give what one part of the traffic comes to: one summary, and its predictions by shard."""
    traffic = Traffic.start(plan, bins, sample=sample)
    for chunk in capture.chunks(lines, plan):
        groups = traffic.add(chunk)
        if shards:
            names = truth.keys(chunk.events, chunk.positions, hashed=stable)
            yield from dealt(PREDICTED, truth.predicted(names, chunk.scores, groups), shards)
    yield TRAFFIC, 0, traffic


def read_labels(lines: Iterable[bytes], plan: Plan, shards: int) -> Iterator[tuple[str, int, Any]]:
    """Give the labels of one part of the ground truth by shard, and a count of what could not be read."""
    reasons: Counter[str] = Counter()
    iterator = iter(lines)
    while portion := list(islice(iterator, capture.LINES)):
        labels = truth.read(portion, plan, reasons)
        names = truth.keys(labels.events, labels.positions, hashed=stable)
        yield from dealt(LABELLED, truth.labelled(names, labels.values), shards)
    yield REASONS, 0, reasons


def join(parts: Iterable[tuple[str, truth.Records]], plan: Plan) -> Outcomes:
    """Join the predictions and labels of one shard."""
    import numpy as np

    sides: dict[str, list[truth.Records]] = {
        PREDICTED: [np.zeros(0, truth.PREDICTED)],
        LABELLED: [np.zeros(0, truth.LABELLED)],
    }
    for kind, records in parts:
        sides[kind].append(records)
    outcomes = Outcomes(plan.threshold)
    outcomes.add(*truth.join(np.concatenate(sides[PREDICTED]), np.concatenate(sides[LABELLED])))
    return outcomes


def watch(places: Places, plan: Plan, addresses: Mapping[str, str]) -> str:
    """Do what `analyser.run.watch` does, on a cluster."""
    from pyspark import SparkConf, SparkContext, StorageLevel

    known, model = run.prepare(places, plan, local="://" not in addresses["dataset_source"])
    conf = SparkConf().set("spark.hadoop.mapreduce.input.fileinputformat.input.dir.recursive", "true")
    context = SparkContext.getOrCreate(conf)
    with tempfile.TemporaryDirectory() as name:
        code = shutil.make_archive(f"{name}/analyser", "zip", Path(__file__).resolve().parent, "analyser")
        context.addPyFile(code)
        bins = context.broadcast(known.bins())
        sample = plan.attribution_rows if model else 0
        lines = context.textFile(addresses["dataset_source"], use_unicode=False)
        shards = lines.getNumPartitions() if places.ground_truth else 0
        read = lines.mapPartitions(lambda part: read_traffic(part, plan, bins.value, sample, shards))
        read.persist(StorageLevel.MEMORY_AND_DISK)
        summaries = read.filter(lambda found: found[0] == TRAFFIC).map(lambda found: found[2])
        empty = Traffic.start(plan, known.bins(), sample=sample)
        traffic = empty.merge(summaries.treeReduce(merged)) if lines.getNumPartitions() else empty
        outcomes = Outcomes(plan.threshold)
        if shards:
            labels = context.textFile(addresses["ground_truth_source"], use_unicode=False)
            given = labels.mapPartitions(lambda part: read_labels(part, plan, shards))
            given.persist(StorageLevel.MEMORY_AND_DISK)
            for reasons in given.filter(lambda found: found[0] == REASONS).map(lambda found: found[2]).collect():
                outcomes.seen.update(reasons)
            both = read.union(given).filter(lambda found: found[0] in (PREDICTED, LABELLED))
            dealt_out = both.map(lambda found: (found[1], (found[0], found[2]))).groupByKey(shards)
            joined = dealt_out.map(lambda shard: join(shard[1], plan))
            if not joined.isEmpty():
                outcomes.merge(joined.treeReduce(merged))
        return run.finish(places, plan, known, traffic, outcomes, model)


def merged(first: Any, second: Any) -> Any:
    return first.merge(second)


def mode(environment: Mapping[str, str]) -> tuple[Places, Plan, Callable[[Places, Plan], str]]:
    """Read the settings; addresses of a cluster's storage need not be paths of this machine."""
    addresses = {name: environment.get(name) or settings.DEFAULTS[name] for name in SOURCES}
    remote = {name: value for name, value in addresses.items() if "://" in value}
    places, plan = settings.read({name: value for name, value in environment.items() if name not in remote})
    if places.mode == "baseline":
        raise Refused("mode is baseline. One machine makes a baseline of any size: run analyse.py.")
    if "ground_truth_source" in remote:
        places = replace(places, ground_truth=Path(remote["ground_truth_source"]))
    return places, plan, lambda where, what: watch(where, what, addresses)


if __name__ == "__main__":
    sys.exit(main(os.environ, read=mode))
