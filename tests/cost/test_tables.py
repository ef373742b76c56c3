"""The estimate as rows to read."""

from __future__ import annotations

from labkit.cost import estimate
from labkit.cost.tables import driven, money, per_hour, running, staying, totals

INTERFACE = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]}}
KEY = {"Type": "AWS::KMS::Key", "Properties": {"PendingWindowInDays": 7}}


def test_equal_prices_are_counted_together_dearest_first(lab):
    # GIVEN two interface endpoints in two zones and a key
    found = estimate(lab({"Key": KEY, "One": INTERFACE, "Two": INTERFACE}))
    # WHEN what runs is listed
    rows = found.rows()
    # THEN the endpoints are one row of four, above the key
    assert [(row["what"], row["counted"], row["USD per hour"]) for row in rows] == [
        ("VPC: Interface endpoint", "4", "0.04"),
        ("KMS: Customer managed key", "1", "0.0014"),
    ]


def test_an_unknown_price_stands_in_the_table_and_marks_the_total(lab):
    # GIVEN a type that no rule knows
    found = estimate(lab({"Pad": {"Type": "AWS::GroundStation::Config"}}))
    # WHEN it is shown
    # THEN it is a row of its own, and no total looks complete
    assert running(found)[0]["unit price"] == "no price known"
    assert per_hour(found) == "0.00 + ?"
    assert all("?" in text for name, text in totals(found) if name != "per month after destroy")


def test_what_use_drives_has_a_price_and_a_reason_but_no_amount(lab):
    # GIVEN a bucket
    rows = driven(estimate(lab({"Bucket": {"Type": "AWS::S3::Bucket"}})))
    # WHEN its rows are read
    # THEN they name what drives them
    assert rows[2] == {
        "what": "S3: Standard storage",
        "unit price": "0.023 per GB-month",
        "driven by": "what is stored, with its older versions",
        "as of": "2026-09-25",
    }
    assert len(rows) == 3


def test_what_stays_is_listed_with_its_cost(lab):
    # GIVEN two keys with the same waiting period
    rows = staying(estimate(lab({"Key": KEY, "Other": KEY})))
    # WHEN what stays is listed
    # THEN they share a row
    assert [(row["what"], row["of"], row["USD"]) for row in rows] == [("KMS key", "Key, Other", "0.00 per month")]


def test_what_stays_says_itself_in_one_line(lab):
    # GIVEN a key that goes, a bucket that stays and a volume of which a snapshot of unknown price stays
    bucket = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
    database = {"Type": "AWS::RDS::DBCluster"}
    # WHEN what stays is printed
    lines = [str(left) for left in estimate(lab({"Key": KEY, "Bucket": bucket, "Data": database})).after_destroy]
    # THEN each line says what, at what price and why
    assert [line.split("): ")[0] for line in lines] == [
        "KMS key Key (USD: 0.00 per month",
        "Bucket Bucket (USD: 0.023 per GB-month",
        "snapshot of DBCluster Data (USD: no price known",
    ]


def test_money_keeps_the_digits_that_matter():
    # GIVEN amounts from a month of hours down to a gigabyte-second
    # WHEN they are written
    # THEN none is rounded to nothing
    amounts = (1234.5, 0.115, 0.0014, 0.0000166667, 0.0)
    assert [money(usd) for usd in amounts] == ["1,234.50", "0.115", "0.0014", "0.0000166667", "0.00"]
