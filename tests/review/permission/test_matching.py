"""Patterns, texts with unknown parts, and values of templates."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.review.provers.permission.matching import Match, arn_like, match
from labkit.review.provers.permission.names import Names, forms
from labkit.review.provers.permission.symbols import pattern, shown, token
from tests.review.permission.build import att, resource, sub, template

RAW = token("generated", "Raw")
OTHER = token("generated", "Curated")
ACCOUNT = token("account", "AWS::AccountId")
ANY = token("open", "Parameter")


@pytest.mark.parametrize(
    ("of", "text", "expected"),
    [
        ("s3:*", "s3:GetObject", Match.YES),
        ("s3:Get?bject", "s3:GetObject", Match.YES),
        ("s3:Get?", "s3:Get", Match.NO),
        ("a*b*c", "aXbYbZc", Match.YES),
        ("a*b*c", "aXcYb", Match.NO),
        ("ab*ba", "aba", Match.NO),
        ("*", RAW, Match.YES),
        (f"arn:{RAW}/*", f"arn:{RAW}/x", Match.YES),
        (f"arn:{RAW}/*", f"arn:{OTHER}/x", Match.NO),
        ("arn:written/*", f"arn:{RAW}/x", Match.NO),
        ("arn:lab-*", f"arn:{RAW}", Match.MAYBE),
        ("arn:lab-*/x", f"arn:{RAW}/x", Match.MAYBE),
        ("arn:lab-*/y", f"arn:{RAW}/x", Match.NO),
        ("arn:?", f"arn:{RAW}", Match.MAYBE),
        (ANY, "whatever", Match.MAYBE),
        (ANY, ANY, Match.YES),
        (ANY, f"{ANY}x", Match.NO),
        (f"{RAW}/*", f"{RAW}/x*", Match.YES),
        (f"{RAW}/x*", f"{RAW}/*", Match.PARTLY),
        (f"{RAW}/x", f"{RAW}*", Match.PARTLY),
        ("123456789012", ACCOUNT, Match.MAYBE),
        ("letters", ACCOUNT, Match.NO),
        ("a/*", "a/b*", Match.YES),
        ("a/b*", "a/*", Match.PARTLY),
        ("a*", "*z", Match.PARTLY),
        ("a*", "b*", Match.NO),
        ("*ab", "*b", Match.PARTLY),
        (f"arn:{RAW}/*", "*", Match.PARTLY),
    ],
)
def test_a_pattern_covers_a_text_as_far_as_is_certain(of: str, text: str, expected: Match) -> None:
    assert match(pattern(of), pattern(text)) is expected


def test_hostile_patterns_are_compared_at_once() -> None:
    hostile = "*a" * 2000 + "b"
    assert match(pattern(hostile), "a" * 5000) is Match.NO
    assert match(pattern(hostile), pattern("*a" * 2000 + "c")) in (Match.NO, Match.MAYBE)


def test_arns_are_compared_part_by_part() -> None:
    assert arn_like(pattern("arn:aws:s*:*:1:x"), "arn:aws:sns:eu:1:x") is Match.YES
    assert arn_like(pattern("arn:aws:s*:1:x"), "arn:aws:sns:eu:1:x") is Match.NO
    assert arn_like(pattern(f"arn:aws:sns:*:{ACCOUNT}:x"), "arn:aws:sns:eu:1:x") is Match.MAYBE
    assert arn_like(pattern("*"), "arn:aws:sns:eu:1:x") is Match.YES


def named(value: Any, **resources: Any) -> list[str]:
    names = Names(
        template(**resources) | {"Parameters": {"Given": {"Type": "String", "Default": "x"}}}, region="eu-west-1"
    )
    return [shown(text.value) for text in names.texts(value)]


def test_values_are_read_as_names_and_arns_by_type() -> None:
    bucket, model = resource("AWS::S3::Bucket"), resource("AWS::SageMaker::Model")
    assert named({"Ref": "Raw"}, Raw=bucket) == ["${Raw}"]
    assert named(att("Raw"), Raw=bucket) == ["arn:${AWS::Partition}:s3:::${Raw}"]
    assert named(sub("${Raw.Arn}/a/*"), Raw=bucket) == ["arn:${AWS::Partition}:s3:::${Raw}/a/*"]
    assert named({"Fn::GetAtt": "Raw.Arn"}, Raw=resource("AWS::S3::Bucket", BucketName="mine")) == [
        "arn:${AWS::Partition}:s3:::mine"
    ]
    assert named({"Ref": "M"}, M=model) == ["arn:${AWS::Partition}:sagemaker:eu-west-1:${AWS::AccountId}:model/${M}"]
    assert named(att("M", "ModelName"), M=model) == ["${M}"]
    assert named({"Fn::Join": ["", [att("Raw"), "/", {"Ref": "Given"}]]}, Raw=bucket) == [
        "arn:${AWS::Partition}:s3:::${Raw}/${Given}"
    ]
    assert named(att("Odd"), Odd=resource("Vendor::Thing::Odd")) == ["${Odd.Arn}"]


def test_other_functions_give_what_is_known_and_no_more() -> None:
    assert named({"Fn::Select": [1, ["a", "b"]]}) == ["b"]
    assert named({"Fn::Select": [0, {"Fn::Split": ["/", "a/b"]}]}) == ["a"]
    assert named({"Fn::ImportValue": "x"}) == ["${Fn::ImportValue x}"]
    assert named({"Fn::If": ["C", "a", {"Ref": "AWS::NoValue"}]}) == ["a"]
    assert named({"Fn::FindInMap": ["M", "a", "b"]}) == ["${Fn::FindInMap}"]
    assert named(sub("${!aws:username}/x")) == ["${aws:username}/x"]
    assert [text.sure for text in Names({}).texts({"Fn::If": ["C", "a", "b"]})] == [False, False]


def test_every_known_type_has_an_arn_of_six_parts() -> None:
    assert len(forms()) > 60
    assert [type_ for type_, form in forms().items() if form.arn.count(":") < 5 or "{name}" not in form.arn] == []
    assert [type_ for type_, form in forms().items() if form.ref not in ("name", "arn")] == []
