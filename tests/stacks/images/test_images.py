"""An image is found in each region of three partitions, and a gap in the table is told, not guessed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import stacks.images
from stacks.images import image_uri

TABLE = json.loads((Path(stacks.images.__file__).with_name("images.json")).read_text())
PLACES = [
    (framework, region, version)
    for framework, image in TABLE["frameworks"].items()
    for region in image["registries"]
    for version in image["tags"]
]
URI = r"\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<suffix>amazonaws\.com(\.cn)?)/sagemaker-[a-z-]+(:[0-9a-z.-]+)?"


def test_xgboost_is_found_in_each_partition() -> None:
    assert (
        image_uri("xgboost", region="us-east-1", version="3.2-0")
        == "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
    )
    assert (
        image_uri("xgboost", region="us-gov-west-1", version="3.2-0")
        == "414596584902.dkr.ecr.us-gov-west-1.amazonaws.com/sagemaker-xgboost:3.2-0"
    )
    assert (
        image_uri("xgboost", region="cn-north-1", version="3.2-0")
        == "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-xgboost:3.2-0"
    )


def test_scikit_learn_carries_processor_and_python_in_its_tag() -> None:
    assert image_uri("sklearn", region="eu-west-1", version="1.9-0").endswith("sagemaker-scikit-learn:1.9-0-cpu-py3")


def test_an_image_without_tag_gets_none() -> None:
    uri = image_uri("model-monitor", region="us-east-1", version="latest")
    assert uri == "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"


@pytest.mark.parametrize(("framework", "region", "version"), PLACES)
def test_every_image_is_in_a_registry_of_its_own_region_and_partition(
    framework: str, region: str, version: str
) -> None:
    match = re.fullmatch(URI, image_uri(framework, region=region, version=version))
    assert match is not None
    assert match["region"] == region
    assert (match["suffix"] == "amazonaws.com.cn") == region.startswith("cn-")


def test_the_table_covers_three_partitions_and_says_where_it_comes_from() -> None:
    regions = set(TABLE["frameworks"]["xgboost"]["registries"])
    assert {"us-east-1", "eu-west-1", "us-gov-east-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1"} <= regions
    assert not [region for region in regions if region.startswith("us-iso")]
    assert re.fullmatch(r"sagemaker-core \d+\.\d+\.\d+", TABLE["source"])


@pytest.mark.parametrize(
    ("framework", "region", "version", "told"),
    [
        (
            "caffe",
            "us-east-1",
            "1",
            "unknown framework: got 'caffe'; allowed: clarify, model-monitor, sklearn, xgboost",
        ),
        ("xgboost", "us-east-1", "9.9", "unknown version of xgboost: got '9.9'; allowed: 1.7-1, 3.0-5, 3.2-0"),
        ("xgboost", "mars-1", "3.2-0", "unknown region for xgboost: got 'mars-1'; allowed: af-south-1, "),
        ("model-monitor", "us-gov-west-1", "latest", "unknown region for model-monitor: got 'us-gov-west-1'"),
    ],
)
def test_what_is_not_in_the_table_is_refused_with_what_is(framework: str, region: str, version: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        image_uri(framework, region=region, version=version)
