"""The sample is the same whatever the order of its source, and holds nothing that is known only after departure."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit import flights

FLIGHT = {
    "year": "2013", "month": "1", "day": "5", "dep_time": "640", "sched_dep_time": "630", "dep_delay": "10",
    "arr_time": "900", "arr_delay": "16", "carrier": "UA", "flight": "1", "tailnum": "N1", "origin": "EWR",
    "dest": "IAH", "air_time": "120", "distance": "1400", "hour": "6", "minute": "30",
    "time_hour": "2013-01-05T11:00:00Z",
}  # fmt: skip
REPORT = {
    "origin": "EWR", "time_hour": "2013-01-05T11:00:00Z", "temp": "39.02", "dewp": "26.96", "humid": "61.63",
    "wind_dir": "270", "wind_speed": "10.357019999999999", "wind_gust": "NA", "precip": "0", "pressure": "1012.0",
    "visib": "10",
}  # fmt: skip
NAMES = {"carrier": ["AA", "UA"], "origin": ["EWR"], "destination": ["IAH"]}


def test_a_flight_is_written_as_what_is_known_at_the_gate() -> None:
    (chosen,) = flights.sample([FLIGHT], [REPORT], keep=lambda flight: True, rows=9)
    assert dict(zip(flights.COLUMNS, flights.encode(chosen, NAMES), strict=True)) == {
        "late": "1", "month": "1", "weekday": "6", "departure_minute": "390", "distance": "1400", "carrier": "1",
        "origin": "0", "destination": "0", "temp": "39.02", "dewp": "26.96", "humid": "61.63", "wind_dir": "270",
        "wind_speed": "10.36", "wind_gust": "", "precip": "0", "pressure": "1012", "visib": "10",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "late"), [({"arr_delay": "15"}, "0"), ({"arr_delay": "16"}, "1"), ({"arr_delay": "-20"}, "0")]
)
def test_late_means_more_than_fifteen_minutes_after_the_schedule(changed: dict[str, str], late: str) -> None:
    (chosen,) = flights.sample([FLIGHT | changed], [REPORT], keep=lambda flight: True, rows=9)
    assert flights.encode(chosen, NAMES)[0] == late


@pytest.mark.parametrize(
    "known_afterwards", ["dep_time", "dep_delay", "arr_time", "air_time", "tailnum"], ids=lambda name: name
)
def test_what_is_known_only_afterwards_changes_nothing(known_afterwards: str) -> None:
    def features(flight: dict[str, str]) -> list[str]:
        (chosen,) = flights.sample([flight], [REPORT], keep=lambda flight: True, rows=9)
        return list(flights.encode(chosen, NAMES)[1:])

    assert features(FLIGHT | {known_afterwards: "9999", "arr_delay": "500"}) == features(FLIGHT)


def test_flights_without_arrival_or_weather_are_left_out() -> None:
    cancelled = FLIGHT | {"arr_delay": "NA"}
    no_weather = FLIGHT | {"time_hour": "2013-01-05T12:00:00Z"}
    other_day = FLIGHT | {"day": "6"}
    assert (
        flights.sample([cancelled, no_weather, other_day], [REPORT], keep=lambda flight: flight["day"] == "5", rows=9)
        == []
    )


def test_the_choice_does_not_depend_on_the_order_of_the_source() -> None:
    departures = [FLIGHT | {"flight": str(number)} for number in range(40)]
    chosen = flights.sample(departures, [REPORT], keep=lambda flight: True, rows=7)
    assert len(chosen) == 7
    assert flights.sample(reversed(departures), [REPORT], keep=lambda flight: True, rows=7) == chosen
    assert [flight["flight"] for flight in chosen] != [str(number) for number in range(7)]


def test_another_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.tar.gz").write_bytes(b"another archive")
    with pytest.raises(SystemExit, match="the data were made from"):
        flights.read(tmp_path / "other.tar.gz")
