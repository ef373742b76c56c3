"""Emulated time: it advances in ticks, subscribers see each, and pending work is waited for."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from labkit.rehearsal.clock import Clock
from tests.rehearsal.base.conftest import Cloud


def test_subscribers_see_every_minute() -> None:
    """GIVEN a subscriber WHEN 150 seconds pass THEN it is called after 60, 120 and 150 seconds."""
    clock, seen = Clock(), []
    clock.subscribe(seen.append)
    begin = clock.now()

    clock.advance(150)

    assert [round((moment - begin).total_seconds()) for moment in seen] == [60, 120, 150]
    assert abs(clock.now() - datetime.now(UTC) - timedelta(seconds=150)) < timedelta(seconds=5)


def test_time_does_not_go_back() -> None:
    """GIVEN a clock WHEN asked for negative seconds THEN it refuses and names them."""
    with pytest.raises(ValueError, match="-1 seconds given"):
        Clock().advance(-1)


def test_work_under_way_ends_before_time_goes_on() -> None:
    """GIVEN work that waits WHEN time is advanced THEN the work ends first."""
    clock, order = Clock(), []
    started, may_end = threading.Event(), threading.Event()

    def work() -> None:
        with clock.working():
            started.set()
            may_end.wait(10)
            order.append("work")

    worker = threading.Thread(target=work)
    worker.start()
    started.wait(10)
    clock.subscribe(lambda now: order.append("tick"))
    threading.Timer(0.05, may_end.set).start()

    clock.advance(60)

    worker.join()
    assert order == ["work", "tick"]


def test_work_that_waits_for_time_lets_it_pass_and_misses_no_tick() -> None:
    """GIVEN work that waits for the second tick WHEN three pass THEN it goes on between the second and the third."""
    clock, order = Clock(), []
    clock.subscribe(lambda now: order.append("tick"))
    waiting = threading.Event()

    def reached() -> bool:
        waiting.set()
        return order.count("tick") >= 2

    def work() -> None:
        with clock.working():
            clock.wait_until(reached)
            threading.Event().wait(0.2)
            order.append("work")

    worker = threading.Thread(target=work)
    worker.start()
    waiting.wait(10)

    clock.advance(180)

    worker.join()
    assert order == ["tick", "tick", "work", "tick"]


def test_work_that_waits_goes_on_without_a_tick_when_it_may() -> None:
    """GIVEN work that waits for something else WHEN that happens THEN no tick is needed."""
    clock, happened, done = Clock(), threading.Event(), threading.Event()

    def work() -> None:
        with clock.working():
            clock.wait_until(happened.is_set)
            done.set()

    threading.Thread(target=work, daemon=True).start()
    assert not done.wait(0.2)
    happened.set()
    assert done.wait(10)


def test_work_that_waits_for_other_work_goes_on_before_time_does() -> None:
    """GIVEN work that waits for other work WHEN time is advanced THEN both are done before the first tick."""
    clock, order, first_is_done = Clock(), [], threading.Event()
    waiting, may_end = threading.Event(), threading.Event()
    clock.subscribe(lambda now: order.append("tick"))

    def done() -> bool:
        waiting.set()
        threading.Event().wait(0.05)  # a look that takes its time, as one that calls an API
        return first_is_done.is_set()

    def first() -> None:
        with clock.working():
            waiting.wait(10)
            may_end.wait(10)
            first_is_done.set()

    def second() -> None:
        with clock.working():
            clock.wait_until(done)
            order.append("work")

    workers = [threading.Thread(target=work) for work in (first, second)]
    for worker in workers:
        worker.start()
    waiting.wait(10)
    threading.Timer(0.2, may_end.set).start()

    clock.advance(60)

    for worker in workers:
        worker.join()
    assert order == ["work", "tick"]


def test_work_that_waits_for_time_goes_on_after_all_that_the_tick_drives() -> None:
    """GIVEN work that waits for a minute WHEN it passes THEN what the minute drives comes first, however long it takes."""
    clock, order, waiting = Clock(), [], threading.Event()
    until = clock.now() + timedelta(seconds=60)

    def slow(now: datetime) -> None:
        threading.Event().wait(0.3)
        order.append("tick")

    def reached() -> bool:
        waiting.set()
        return clock.now() >= until

    def work() -> None:
        with clock.working():
            clock.wait_until(reached)
            order.append("work")

    clock.subscribe(slow)
    worker = threading.Thread(target=work)
    worker.start()
    waiting.wait(10)

    clock.advance(60)

    worker.join()
    assert order == ["tick", "work"]


def test_work_without_an_end_holds_time_no_longer_than_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN work that never ends WHEN time is advanced THEN it goes on all the same."""
    monkeypatch.setattr("labkit.rehearsal.clock.PATIENCE_SECONDS", 0.2)
    clock, begin = Clock(), datetime.now(UTC)
    with clock.working():
        assert clock.advance(60) - begin >= timedelta(seconds=60)


def test_the_clock_is_read_and_advanced_over_http(cloud: Cloud) -> None:
    """GIVEN a running emulator WHEN an hour is posted THEN the clock and what services stamp show it."""
    import json
    import urllib.error
    import urllib.request

    url = cloud.emulator.environment()["LABS_CLOCK_URL"]
    begin = datetime.fromisoformat(cloud.emulator.get("clock")["now"])
    with urllib.request.urlopen(url, data=json.dumps({"seconds": 3600}).encode()) as answer:
        now = datetime.fromisoformat(json.load(answer)["now"])
    assert timedelta(seconds=3600) <= now - begin < timedelta(seconds=3660)

    cloud.client("logs").create_log_group(logGroupName="/clock")
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/clock")["logGroups"]
    cloud.client("logs").delete_log_group(logGroupName="/clock")
    assert abs(groups[0]["creationTime"] / 1000 - now.timestamp()) < 60

    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(url, data=b'{"minutes": 1}')
