"""The table of cdk-nag's rules is that of the installed version."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import pytest

from stacks.rules import generate_nag_table


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    return json.loads(generate_nag_table.TABLE.read_text())


def test_the_table_is_what_the_installed_version_gives() -> None:
    # WHEN the table is generated again
    fresh = generate_nag_table.render()
    # THEN nothing changed; after an update of cdk-nag: python -m stacks.rules.generate_nag_table
    assert generate_nag_table.TABLE.read_text() == fresh


def test_the_table_names_the_installed_version(table: dict[str, Any]) -> None:
    assert table["version"] == version("cdk-nag")


@pytest.mark.parametrize(
    ("pack", "rules"),
    [
        ("AwsSolutions", 131),
        ("HIPAA.Security", 90),
        ("NIST.800.53.R4", 70),
        ("NIST.800.53.R5", 85),
        ("PCI.DSS.321", 69),
        ("Serverless", 18),
    ],
)
def test_each_pack_has_all_its_rules(table: dict[str, Any], pack: str, rules: int) -> None:
    assert len(table["packs"][pack]) == rules


def test_each_rule_has_what_a_pass_needs(table: dict[str, Any]) -> None:
    for pack, rules in table["packs"].items():
        for name, rule in rules.items():
            assert name.startswith(f"{pack}-")
            assert rule["types"], name
            assert all("::" in type_ for type_ in rule["types"]), name
            assert rule["level"] in ("error", "warning")
            assert rule["title"], name
            assert "Control ID" not in rule["title"]
            assert bool(rule["controls"]) == (pack not in ("AwsSolutions", "Serverless")), name


def test_a_rule_looks_at_the_resource_in_its_hands_and_not_at_those_its_helpers_search(table: dict[str, Any]) -> None:
    # GIVEN a rule about buckets that searches for policies, and one about instances that searches launch templates
    packs = table["packs"]
    # THEN their types are those they report on
    assert packs["AwsSolutions"]["AwsSolutions-S10"]["types"] == ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"]
    found = packs["HIPAA.Security"]["HIPAA.Security-EC2IMDSv2Enabled"]["types"]
    assert found == ["AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::Instance"]
