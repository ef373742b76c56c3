"""Every choice of the user keeps every lab free of open findings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.assembly import Assembly
from labkit.catalogue import Lab
from labkit.review import provers, review

CHOICES: dict[str, dict[str, Any]] = {
    "one-zone": {"zones": 1},
    "named-zones": {"zone_names": ["us-east-1b", "us-east-1d", "us-east-1f"]},
    "one-instance": {"endpoint_instances": 1},
    "burstable": {"endpoint_instance_type": "ml.t2.medium"},
    "local-storage": {"endpoint_instance_type": "ml.g5.xlarge"},
    "own-vpc": {
        "own_vpc": {
            "vpc_id": "vpc-0123456789abcdef0",
            "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
            "endpoint_security_group_id": "sg-0123456789abcdef0",
        }
    },
    "own-key": {"key_arn": "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"},
    "tags": {"tags": {"team": "fraud"}},
}


GIVEN = ("own-vpc", "own-key")


@pytest.mark.parametrize("choice", CHOICES)
def test_no_choice_opens_a_finding(lab: Lab, choice: str, synthesize: Callable[..., Assembly], today: Any) -> None:
    assembly = synthesize(lab, place=choice, **CHOICES[choice])
    result = review([assembly], today=today, out=None, second_opinion=False)
    # Of what the user gave, a prover cannot see the inside: it says so, and decides nothing.
    unseen = {"unknown"} if choice in GIVEN else set()
    stands = [row for row in result.open if not (row.status in unseen and row.engine in provers.versions())]
    assert [(row.rule, row.logical_id, row.evidence) for row in stands] == []


def of_type(assembly: Assembly, type_: str) -> list[dict[str, Any]]:
    return [r.get("Properties", {}) for r in assembly.template["Resources"].values() if r["Type"] == type_]


def test_an_own_vpc_is_used_as_it_is(synthesize: Callable[..., Assembly]) -> None:
    assembly = synthesize(endpoint_lab(), place="own-vpc", **CHOICES["own-vpc"])
    assert of_type(assembly, "AWS::EC2::VPC") == of_type(assembly, "AWS::EC2::VPCEndpoint") == []
    assert of_type(assembly, "AWS::SageMaker::Model")[0]["VpcConfig"]["Subnets"] == [
        "subnet-0123456789abcdef0", "subnet-0123456789abcdef1",
    ]  # fmt: skip
    (rule,) = of_type(assembly, "AWS::EC2::SecurityGroupIngress")
    assert rule["GroupId"] == "sg-0123456789abcdef0"


def test_an_own_key_is_used_everywhere(synthesize: Callable[..., Assembly]) -> None:
    assembly = synthesize(endpoint_lab(), place="own-key", **CHOICES["own-key"])
    assert of_type(assembly, "AWS::KMS::Key") == []
    assert {group["KmsKeyId"] for group in of_type(assembly, "AWS::Logs::LogGroup")} == {CHOICES["own-key"]["key_arn"]}


def test_a_burstable_instance_does_not_scale(synthesize: Callable[..., Assembly]) -> None:
    assembly = synthesize(endpoint_lab(), place="burstable", **CHOICES["burstable"])
    assert of_type(assembly, "AWS::ApplicationAutoScaling::ScalableTarget") == []


def test_a_local_storage_instance_gets_no_volume_key(synthesize: Callable[..., Assembly]) -> None:
    assembly = synthesize(endpoint_lab(), place="local-storage", **CHOICES["local-storage"])
    (configuration,) = of_type(assembly, "AWS::SageMaker::EndpointConfig")
    assert "KmsKeyId" not in configuration
    assert "KmsKeyId" in configuration["DataCaptureConfig"]


def endpoint_lab() -> Lab:
    from labkit.catalogue import pick

    return pick(["d3_realtime_endpoint"])[0]
