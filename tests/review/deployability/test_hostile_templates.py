"""Whatever stands in a template, every check answers, and soon."""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import pytest

from labkit.review.provers.deployability import check_update, evaluate
from labkit.review.provers.deployability.kit.view import View
from tests.review.deployability.parts import Resources, arn, one, ref
from tests.review.deployability.test_every_failure import CASES

ODD: list[Any] = [
    None, [], {}, "", 5, True, -1.5, "x" * 2000, [[]], [None], {"a": {"b": []}}, "arn:aws:iam::1:role/x", "${", "${}",
    {"Ref": "Nothing"}, {"Ref": 5}, {"Ref": "AWS::NoValue"}, {"Fn::GetAtt": []}, {"Fn::GetAtt": ["A", "B", "C"]}, {"Fn::GetAtt": "A"},
    {"Fn::Sub": []}, {"Fn::Sub": ["${A}", {"A": {"Ref": "AWS::Region"}}]}, {"Fn::Sub": {}}, {"Fn::Join": ["", {"Ref": "List"}]},
    {"Fn::Join": [1, [1, None, {"Ref": "X"}]]}, {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]}, {"Fn::If": ["C"]},
    {"Fn::Select": [9, {"Fn::GetAZs": ""}]}, {"Fn::Select": ["x", []]}, {"Fn::Unheard": {"of": []}}, {"Fn::Split": ["", ""]},
    {"Fn::Cidr": 5}, {"Fn::ImportValue": {"Fn::Sub": "x"}}, {"Fn::FindInMap": ["a", "b", "c"]},
]  # fmt: skip


def places(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into a template."""
    found = [trail] if trail else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        found += places(inner, (*trail, name))
    return found


def put(value: Any, trail: tuple[Any, ...], odd: Any) -> None:
    for step in trail[:-1]:
        value = value[step]
    value[trail[-1]] = odd


def errors(content: Any) -> list[str]:
    try:
        return [f"{one.check.id}: {one.error}" for one in evaluate(View(content)) if one.error]
    except ValueError:
        return []  # no template at all, which the caller says


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_odd_values_anywhere_are_answered(case: Any) -> None:
    # GIVEN a template of which one value, somewhere, is odd
    chosen = random.Random(case.name)
    resources = dict(list(case.repaired.items())[:12])
    trails = [trail for trail in places(resources) if len(trail) > 2]
    for trail in chosen.sample(trails, min(8, len(trails))):
        changed = json.loads(json.dumps(resources))
        put(changed, trail, chosen.choice(ODD))
        # THEN no check breaks off
        assert errors({"Resources": changed}) == [], trail


def test_a_deeply_nested_template_is_answered() -> None:
    # GIVEN lists and conditions nested as deep as a template may hold them in memory
    value: Any = "x"
    for _ in range(5000):
        value = {"Fn::If": ["C", [value], "y"]}
    content = {"Resources": {"Deep": one("AWS::S3::Bucket", BucketName=value)}}
    # THEN the template is answered, and the part that cannot be read is named
    named = [
        fault.what
        for found in evaluate(View(content))
        if found.check.id == "deploy-template-readable"
        for fault in found.faults
    ]
    assert errors(content) == []
    assert any("levels deep" in what for what in named)


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "x",
        5,
        {},
        {"Resources": []},
        {"Resources": {}},
        {"Resources": {"A": 5}},
        {"Resources": {"A": {"Type": 5}}},
    ],
    ids=str,
)
def test_what_is_no_template_is_told_so(content: Any) -> None:
    with pytest.raises(ValueError, match=r"template|Type"):
        View(content)


def test_parts_that_are_no_maps_are_answered() -> None:
    for part in ("Outputs", "Parameters", "Conditions", "Mappings", "Description", "Transform"):
        for odd in ODD:
            assert errors({"Resources": {"Q": one("AWS::SQS::Queue")}, part: odd}) == [], (part, odd)


def test_unknown_types_are_answered() -> None:
    content = {
        "Resources": {
            "A": one("Nobody::Knows::This", X=1),
            "B": one("AWS::New::Thing", Y=arn("A")),
            "C": one("My::Own::MODULE"),
        }
    }
    assert errors(content) == []


def chain(count: int) -> Resources:
    """Resources that each wait for the one before, in a VPC, with roles, queues, alarms and functions."""
    found: Resources = {"Key": one("AWS::KMS::Key", KeyPolicy={"Statement": []})}
    for place in range(count):
        found[f"Role{place}"] = one("AWS::IAM::Role", AssumeRolePolicyDocument={"Statement": []})
        found[f"Policy{place}"] = one("AWS::IAM::Policy", PolicyName="p", Roles=[ref(f"Role{place}")], PolicyDocument={"Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})  # fmt: skip
        found[f"Queue{place}"] = one("AWS::SQS::Queue", KmsMasterKeyId=ref("Key"))
        found[f"Worker{place}"] = one(
            "AWS::Lambda::Function", f"Worker{place - 1}" if place else None, Role=arn(f"Role{place}"), Code={"ZipFile": "x"},
            DeadLetterConfig={"TargetArn": arn(f"Queue{place}")},
        )  # fmt: skip
        found[f"Rule{place}"] = one(
            "AWS::Events::Rule", EventPattern={}, Targets=[{"Id": "t", "Arn": arn(f"Queue{place}")}]
        )
    return found


def calls(content: Any) -> int:
    """How many functions are called to answer a template: its work, whatever the machine does beside it."""
    count = 0

    def counted(*_: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        found = errors(content)
    finally:
        sys.setprofile(None)
    assert found == []
    return count


def test_the_work_grows_with_the_template_and_no_faster() -> None:
    # GIVEN a template and one eight times as large, in which every resource waits for many others
    calls({"Resources": chain(2)})
    small, large = calls({"Resources": chain(20)}), calls({"Resources": chain(160)})
    # THEN the second takes no more than eight times the work, with a little for what both begin with
    assert large < 8.8 * small


def test_a_long_circle_is_answered() -> None:
    circle = {f"A{place}": one("AWS::SQS::Queue", f"A{(place + 1) % 3000}") for place in range(3000)}
    assert errors({"Resources": circle}) == []


def test_two_odd_templates_can_be_compared() -> None:
    for odd in ODD:
        assert isinstance(check_update({"Resources": {"Q": one("AWS::SQS::Queue", QueueName=odd)}, "Outputs": {"O": odd}},
                                       {"Resources": {"Q": one("AWS::SQS::Queue", QueueName="q")}}), list)  # fmt: skip
