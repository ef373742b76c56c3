"""Template functions and conditions, evaluated as CloudFormation does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labkit.rehearsal.stacks.faults import Refused
from labkit.rehearsal.stacks.template import Template, parameters
from labkit.rehearsal.stacks.values import NO_VALUE, Values

BODY = {
    "Parameters": {
        "Text": {"Type": "String", "Default": "a,b"},
        "List": {"Type": "CommaDelimitedList", "Default": "x, y"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/name"},
    },
    "Mappings": {"M": {"one": {"two": "three"}}},
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Text"}, "a,b"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Either": {"Fn::Or": [{"Condition": "No"}, {"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "No"}, {"Condition": "Yes"}]},
    },
    "Resources": {"Thing": {"Type": "AWS::SQS::Queue"}},
}


@pytest.fixture
def values() -> Values:
    template = Template(json.dumps(BODY))
    return Values(
        template=template,
        parameters=parameters(template, {}, stored=lambda name: f"value of {name}"),
        pseudo={"AWS::Region": "us-east-1", "AWS::NoValue": NO_VALUE},
        ref=lambda name: f"id-of-{name}",
        attribute=lambda name, attribute: f"{name}-{attribute}",
        imported=lambda name: f"imported {name}",
        dynamic=lambda service, rest: f"<{service} {rest}>",
        zones=lambda region: [f"{region}a", f"{region}b"],
    )


CASES: list[tuple[Any, Any]] = [
    ({"Ref": "Thing"}, "id-of-Thing"),
    ({"Ref": "AWS::Region"}, "us-east-1"),
    ({"Ref": "List"}, ["x", "y"]),
    ({"Ref": "Stored"}, "value of /name"),
    ({"Fn::GetAtt": ["Thing", "Arn"]}, "Thing-Arn"),
    ({"Fn::GetAtt": "Thing.Endpoint.Port"}, "Thing-Endpoint.Port"),
    ({"Fn::Sub": "${Thing}/${Thing.Arn}/${!literal}/${AWS::Region}"}, "id-of-Thing/Thing-Arn/${literal}/us-east-1"),
    ({"Fn::Sub": ["${A}${Thing}", {"A": {"Ref": "Text"}}]}, "a,bid-of-Thing"),
    ({"Fn::Join": ["-", ["a", {"Ref": "Thing"}, 1]]}, "a-id-of-Thing-1"),
    ({"Fn::Select": ["1", {"Fn::Split": [",", {"Ref": "Text"}]}]}, "b"),
    ({"Fn::FindInMap": ["M", "one", "two"]}, "three"),
    ({"Fn::FindInMap": ["M", "no", "two", {"DefaultValue": "d"}]}, "d"),
    ({"Fn::If": ["Either", "yes", "no"]}, "yes"),
    ({"Fn::If": ["Both", "yes", "no"]}, "no"),
    ({"a": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, "b": [{"Ref": "AWS::NoValue"}, 2]}, {"b": [2]}),
    ({"Fn::GetAZs": ""}, ["us-east-1a", "us-east-1b"]),
    ({"Fn::Base64": "hi"}, "aGk="),
    ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
    ({"Fn::ImportValue": "x"}, "imported x"),
    ({"Fn::ToJsonString": {"a": {"Ref": "Thing"}}}, '{"a": "id-of-Thing"}'),
    ("{{resolve:ssm:/a/b}}!", "<ssm /a/b>!"),
    ({"Fn::Join": ["", [True, False]]}, "truefalse"),
    ({"Condition": {"StringEquals": {"a": {"Ref": "Text"}}}}, {"Condition": {"StringEquals": {"a": "a,b"}}}),
]


@pytest.mark.parametrize(("given", "wanted"), CASES, ids=[json.dumps(given)[:50] for given, _ in CASES])
def test_a_function_gives_what_cloudformation_gives(values: Values, given: Any, wanted: Any) -> None:
    """GIVEN a piece of template WHEN made concrete THEN it is what CloudFormation makes of it."""
    assert values.of(given) == wanted


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"Fn::Select": [5, ["a"]]}, "nonexistent value at index 5"),
        ({"Fn::FindInMap": ["M", "no", "two"]}, "Unable to get mapping"),
        ({"Fn::Nonsense": 1}, "Unrecognized function"),
        ({"Fn::If": ["Unknown", 1, 2]}, "condition Unknown does not exist"),
    ],
)
def test_a_wrong_function_is_refused(values: Values, given: Any, reason: str) -> None:
    """GIVEN a function that cannot be evaluated WHEN made concrete THEN the reason names it."""
    with pytest.raises(Refused, match=reason):
        values.of(given)


def test_short_tags_of_yaml_mean_the_long_functions() -> None:
    """GIVEN a template in YAML WHEN read THEN its short tags are functions."""
    text = "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n      DisplayName: !Sub '${B.Arn}'\n  B:\n    Type: AWS::SQS::Queue\n"
    template = Template(text)
    assert template.order == ["B", "A"]
    assert template.resources["A"]["Properties"] == {"DisplayName": {"Fn::Sub": "${B.Arn}"}}
