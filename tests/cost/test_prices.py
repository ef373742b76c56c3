"""The tables: every figure has a source, every rule finds its price or says that there is none."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

import labkit.cost
from labkit.cost import price, quota
from labkit.cost.free import FREE
from labkit.cost.rules import RULES
from labkit.cost.usage import USAGE

FOLDER = Path(labkit.cost.__file__).parent


def _rows(name):
    with (FOLDER / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_price_is_positive_of_one_region_dated_or_said_to_be_undated_and_has_a_source():
    # GIVEN the price table
    for row in _rows("prices.csv"):
        # WHEN a row is read
        # THEN nothing in it is missing
        assert float(row["usd"]) > 0, row
        assert row["region"] == "us-east-1", row
        assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?|unknown", row["as_of"]), row
        assert len(row["source"]) > 10, row


def test_no_item_has_two_prices():
    # GIVEN the price table
    items = [(row["service"], row["item"]) for row in _rows("prices.csv")]
    # WHEN duplicates are looked for
    # THEN there are none
    assert len(items) == len(set(items))


def test_every_default_quota_has_a_code_a_page_and_a_month():
    # GIVEN the quota table
    for row in _rows("quotas.csv"):
        # WHEN a row is read
        # THEN it can be looked up again
        assert re.fullmatch(r"L-[0-9A-F]{8}", row["code"]), row
        assert row["source"].startswith("https://docs.aws.amazon.com/"), row
        assert int(row["default"]) >= 0, row
        assert row["as_of"].startswith("20"), row


def test_a_quota_is_found_by_its_code():
    # GIVEN the code of endpoint instances that a new account may have
    # WHEN it is looked up
    found = quota("L-29C181D7")
    # THEN the default is there, and an unknown code gives none
    assert found is not None
    assert (found.name, found.default) == ("ml.t2.medium for endpoint usage", 2)
    assert quota("L-00000000") is None


def test_no_type_has_two_kinds_of_rule():
    # GIVEN the three tables of rules
    tables = [FREE.keys(), USAGE.keys(), RULES.keys()]
    # WHEN they are compared
    # THEN each type stands in one of them
    assert sum(map(len, tables)) == len(set().union(*tables))


@pytest.mark.parametrize("type_", sorted(USAGE))
def test_prices_of_use_are_in_the_table_or_known_to_be_missing(type_):
    # GIVEN the figures that no source gave reliably
    missing = {("DynamoDB", "Storage"), ("EFS", "Elastic throughput"), ("Glue", "Data Quality")}
    # WHEN the prices of a type are looked up
    without = {(drive.service, drive.item) for drive in USAGE[type_] if price(drive.service, drive.item) is None}
    # THEN only those are missing
    assert without <= missing
