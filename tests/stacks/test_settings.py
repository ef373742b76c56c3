"""A bad setting is told by name, with what was given and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stacks.settings import Settings, SettingsError, describe


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"cidr": "10.0.0.0/8"}, "setting cidr: got '10.0.0.0/8'; allowed: a private IPv4 network from /16 to /24"),
        ({"cidr": "8.8.0.0/16"}, "setting cidr: got '8.8.0.0/16'"),
        ({"cidr": "10.0.0.1/16"}, "setting cidr: got '10.0.0.1/16'; allowed: an IPv4 network"),
        ({"region": "mars-1"}, "setting region: got 'mars-1'"),
        ({"zones": 4}, "setting zones: got 4; allowed: Input should be less than or equal to 3"),
        ({"zone_names": ["eu-west-1a"]}, "zones of us-east-1"),
        ({"endpoint_instance_type": "m5.large"}, "setting endpoint_instance_type: got 'm5.large'"),
        ({"endpoint_instances": 5}, "endpoint_instances_max (4) must be at least endpoint_instances (5)"),
        ({"hours_to_live": 1000}, "setting hours_to_live: got 1000"),
        ({"key_arn": "alias/mine"}, "setting key_arn: got 'alias/mine'"),
        ({"own_vpc": {"vpc_id": "vpc-1"}}, "setting own_vpc.vpc_id"),
        ({"tags": {"aws:x": "y"}}, "setting tags: got {'aws:x': 'y'}"),
        ({"colour": "blue"}, "setting colour: unknown. Allowed: region, cidr"),
    ],
)
def test_a_bad_value_is_explained(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.parse(given)
    assert told in str(error.value)


def test_the_command_line_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('region = "eu-west-1"\nzones = 1\n')
    settings = Settings.load(file, {"zones": "3"})
    assert (settings.region, settings.zones) == ("eu-west-1", 3)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("region = ")
    with pytest.raises(SettingsError, match=r"settings\.toml: not valid TOML"):
        Settings.load(file)


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")]
)
def test_the_partition_follows_from_the_region(region: str, partition: str) -> None:
    assert Settings.parse({"region": region}).partition == partition


def test_every_setting_is_described() -> None:
    assert [row["setting"] for row in describe()] == list(Settings.model_fields)
    assert [row["setting"] for row in describe() if not row["meaning"]] == []
