"""What is remembered of traffic does not grow with it, and does not depend on how it is divided."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from tests.labs.d4_model_monitor.test_analyser import captured, cells, features, flights

from analyser import capture, drift, truth  # isort: skip  # found once test_analyser is imported
from analyser.cells import table  # isort: skip
from analyser.columns import Bins, Column  # isort: skip
from analyser.settings import Facet, Plan  # isort: skip
from analyser.sketch import Sketch, number, ordered  # isort: skip
from analyser.traffic import Traffic  # isort: skip


def sketch(values: np.ndarray, limit: int = 256) -> Sketch:
    made = Sketch(limit)
    made.add(values)
    return made


def test_integers_keep_the_order_and_the_value_of_numbers() -> None:
    values = np.array([-np.inf, -1e300, -2.5, -1e-300, -0.0, 0.0, 5e-324, 1.0, 1.0000000000000002, 7e9, np.inf])
    keys = ordered(values)
    assert list(keys) == sorted(keys)
    assert keys[4] == keys[5]
    assert np.array_equal(number(keys), values)


@pytest.mark.parametrize("spread", ["normal", "lognormal", "few", "offset"])
def test_a_sketch_does_not_depend_on_order_or_division(spread: str) -> None:
    # GIVEN fifty thousand values, of one of four kinds
    generator = np.random.default_rng(5)
    values = {
        "normal": generator.normal(0, 1, 50_000),
        "lognormal": generator.lognormal(0, 4, 50_000),
        "few": generator.integers(0, 200, 50_000).astype(float),
        "offset": 1.7e9 + generator.uniform(0, 86_400, 50_000),
    }[spread]
    whole = sketch(values)
    # WHEN they are summarised in another order, in parts of odd sizes, and the parts merged backwards
    parts = [sketch(part) for part in np.array_split(generator.permutation(values), 13)]
    merged = Sketch(256)
    for part in reversed(parts):
        merged.merge(part)
    # THEN the buckets are the same, few, and hold every value
    assert (merged.shift, merged.keys.tolist(), merged.counts.tolist()) == (
        whole.shift,
        whole.keys.tolist(),
        whole.counts.tolist(),
    )
    assert len(whole.keys) <= 256
    assert whole.total() == 50_000
    assert (whole.shift == 0) == (spread == "few")


def test_the_distance_between_sketches_is_wrong_by_no_more_than_its_bound() -> None:
    # GIVEN two samples with far more different values than buckets
    generator = np.random.default_rng(6)
    for apart in (0.0, 0.05, 0.7):
        first, second = generator.normal(0, 1, 40_000), generator.normal(apart, 1.1, 30_000)
        # WHEN their distance is read from 256 buckets
        found = drift.kolmogorov_smirnov(sketch(first), sketch(second))
        real = scipy.stats.ks_2samp(first, second).statistic
        # THEN it is below the real one by at most the stated bound, and the bound is small
        assert 0 < found["bound"] < 0.05
        assert real - found["bound"] <= found["value"] <= real + 1e-12


def test_parts_of_a_column_give_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a column with empty, infinite, textual and fractional cells
    generator = np.random.default_rng(7)
    cells_ = generator.normal(1e6, 3, 9_000)
    cells_[::10] = np.nan
    cells_[5::1000] = np.inf
    words = ["odd", "UA", "odd"]
    whole = Column("c", Bins(edges=np.array([1e6 - 1, 1e6 + 1])))
    whole.add(cells_, words)
    # WHEN it is counted in three parts
    parts = [Column("c", whole.bins) for _ in range(3)]
    for part, place in zip(parts, np.array_split(np.arange(9_000), 3), strict=True):
        part.add(cells_[place], words if part is parts[1] else [])
    parts[2].merge(parts[0])
    parts[2].merge(parts[1])
    # THEN counts are equal and moments agree
    for name in ("missing", "infinite", "text", "fractional", "negative", "count", "low", "high", "words"):
        assert getattr(parts[2], name) == getattr(whole, name), name
    assert parts[2].binned is not None
    assert whole.binned is not None
    assert parts[2].binned.tolist() == whole.binned.tolist()
    assert parts[2].mean == pytest.approx(whole.mean, rel=1e-14)
    assert parts[2].deviation() == pytest.approx(whole.deviation(), rel=1e-10)
    assert whole.missing == 900 - len(words)
    assert whole.deviation() == pytest.approx(np.nanstd(cells_[~np.isinf(cells_)]), rel=1e-9)


def test_thousands_of_different_texts_are_kept_in_bounded_memory_and_in_any_order() -> None:
    names = [f"name-{place}" for place in range(5_000)]
    first, second = Column("c"), Column("c")
    first.add(np.full(5_000, np.nan), names)
    for half in (names[2_500:], names[:2_500]):
        second.add(np.full(2_500, np.nan), half)
    assert first.words == second.words
    assert first.crowded
    assert len(first.words) == 1_000


def test_sixty_times_the_traffic_needs_no_more_memory() -> None:
    # GIVEN what is remembered of a thousand rows of real flights, each with its own jitter
    plan = Plan(features=tuple(features()), label="late", facet=Facet(column="origin", favoured=(1,)))
    rows = [cells(row) for row in flights("holdout")]
    sizes = []
    traffic = Traffic.start(plan, {}, sample=200)
    for turn in range(60):
        lines = [
            captured(f"{row.rpartition(',')[0]},{turn}.{place}", 0.1 + 1e-5 * place + 1e-7 * turn, f"{turn}-{place}")
            for place, row in enumerate(rows)
        ]
        portion = [json.dumps(line).encode() + b"\n" for line in lines]
        traffic.add(capture.read(portion, plan))
        sizes.append(len(pickle.dumps(traffic)))
    # THEN after sixty times as many it has hardly grown: sketches are full, the sample is full
    assert traffic.rows == 60_000
    assert sizes[-1] < 1.2 * max(sizes[8:12])


def test_the_sample_is_the_same_rows_in_any_division() -> None:
    plan = Plan(features=tuple(features()), label="late")
    rows = [cells(row) for row in flights("holdout")]
    lines = [json.dumps(captured(row, 0.1, f"e{place}")).encode() + b"\n" for place, row in enumerate(rows)]
    whole, parts = Traffic.start(plan, {}, sample=100), Traffic.start(plan, {}, sample=100)
    whole.add(capture.read(lines, plan))
    for start in (600, 0, 300, 900):
        part = Traffic.start(plan, {}, sample=100)
        part.add(capture.read(lines[start : start + 300], plan))
        parts.merge(part)
    assert whole.sample.rows is not None
    assert parts.sample.rows is not None
    assert whole.sample.rows.shape == (100, 16)
    assert np.array_equal(whole.sample.rows, parts.sample.rows, equal_nan=True)


def test_one_odd_cell_is_found_among_thousands_of_numbers() -> None:
    rows = ["1,2,", ",,3"] * 3_000
    rows[4_321] = '1,"a, b",3'
    found = table(rows, 3)
    assert found.words == {(4_321, 1): "a, b"}
    assert np.isnan(found.numbers[4_321, 1])
    assert int(np.isnan(found.numbers).sum()) == 3_000 + 2 * 2_999 + 1
    assert found.numbers[4_321].tolist()[::2] == [1, 3]


def test_a_shard_holds_its_part_of_the_events_and_is_gone_when_read(tmp_path: Path) -> None:
    # GIVEN as many bytes of traffic as need several shards, and a thousand events
    shards = truth.Shards(tmp_path, size=4 * truth.LINE * truth.SHARD)
    keys = np.random.default_rng(1).integers(-(2**62), 2**62, 1_000)
    # WHEN their predictions are dealt out
    shards.put("predicted", truth.predicted(keys, np.full(1_000, 0.5), np.zeros(1_000, np.int8)))
    # THEN each shard holds about a fifth, all of them hold every event, and no file is left
    parts = [shards.get("predicted", shard, truth.PREDICTED) for shard in range(shards.number)]
    assert len(parts) == 5
    assert max(map(len, parts)) < 300
    assert sorted(np.concatenate(parts)["key"]) == sorted(keys)
    assert list(tmp_path.iterdir()) == []


def test_an_event_that_contradicts_itself_is_left_out_and_counted() -> None:
    # GIVEN an event captured twice alike, one captured with two scores, one with two labels, and loose ends
    left = np.array([(1, 0.5, 0), (1, 0.5, 0), (2, 0.1, 0), (2, 0.9, 0), (3, 0.3, 1), (4, 0.4, 0)], truth.PREDICTED)
    right = np.array([(1, 1), (2, 1), (3, 0), (3, 1), (5, 1), (6, 0), (6, 0)], truth.LABELLED)
    # WHEN both sides are joined
    scores, labels, facets, seen = truth.join(left, right)
    # THEN only the first event counts, once
    assert (scores.tolist(), labels.tolist(), facets.tolist()) == ([0.5], [1], [0])
    assert seen == Counter(
        {
            "captured twice": 1,
            "captured twice, differently": 1,
            "labelled twice": 1,
            "labelled twice, differently": 1,
            "predictions without a label": 2,
            "labels without a prediction": 3,
        }
    )
