"""What the rules are made of reads every way of writing a template."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.rules import Problem, Resource, Rule, Template, evaluate
from stacks.rules.kit.policy import identity_statements, statements
from stacks.rules.kit.values import cases, each, references, texts
from stacks.rules.secrets_not_in_environment import is_secret

EITHER = {"Fn::If": ["Big", "one", {"Fn::If": ["Small", "two", {"Ref": "AWS::NoValue"}]}]}


def resource(**properties: Any) -> Resource:
    return Resource("It", "AWS::IAM::ManagedPolicy", properties, {})


def test_every_branch_of_a_condition_is_a_case() -> None:
    assert list(cases(EITHER)) == ["one", "two", None]


def test_a_path_is_followed_through_conditions_lists_and_absent_parts() -> None:
    value = {"A": {"Fn::If": ["Big", {"B": [{"C": 1}, {"Ref": "AWS::NoValue"}, {"D": 2}]}, {"Ref": "AWS::NoValue"}]}}
    assert list(each(value, "A.B.*.C")) == [("A.B.0.C", 1), ("A.B.2.C", None)]
    assert list(each({}, "A.B")) == [("A.B", None)]


def test_a_function_on_the_way_is_given_as_it_is() -> None:
    assert list(each({"A": {"Ref": "P"}}, "A.B.*.C")) == [("A.B.*.C", {"Ref": "P"})]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Bucket"}, ["${Bucket}"]),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, ["${Bucket.Arn}"]),
        ({"Fn::GetAtt": "Bucket.Arn"}, ["${Bucket.Arn}"]),
        ({"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", EITHER]]},
         ["arn:${AWS::Partition}:s3:::one", "arn:${AWS::Partition}:s3:::two"]),
        ({"Fn::Sub": ["${Arn}/*", {"Arn": {"Fn::GetAtt": ["Bucket", "Arn"]}}]}, ["${Bucket.Arn}/*"]),
        ({"Fn::Sub": "${Bucket.Arn}/${!literal}"}, ["${Bucket.Arn}/${!literal}"]),
        ({"Fn::ImportValue": "X"}, ["${Fn::ImportValue}"]),
        (True, ["true"]),
    ],
)  # fmt: skip
def test_a_value_becomes_text_with_its_references_in_it(value: Any, expected: list[str]) -> None:
    assert texts(value) == expected


def test_references_are_found_at_any_depth_and_in_every_spelling() -> None:
    value = [{"a": {"Fn::Join": ["", [{"Ref": "One"}, {"Fn::GetAtt": "Two.Arn"}]]}},
             {"Fn::Sub": ["${Three.Arn}${Local}${!Not}", {"Local": {"Fn::GetAtt": ["Four", "Arn"]}}]}]  # fmt: skip
    assert references(value) == {"One", "Two", "Three", "Four"}


def test_a_policy_written_as_text_or_with_one_statement_is_read_too() -> None:
    document = '{"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}'
    (found,) = identity_statements(resource(PolicyDocument=document))
    assert found.allows
    assert found.covers("s3:GetObject")
    assert not found.covers("s3:PutObject")
    assert found.path == "PolicyDocument.Statement"


def test_not_action_covers_everything_else() -> None:
    document = {"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}
    (found,) = identity_statements(resource(PolicyDocument=document))
    assert found.covers("s3:GetObject")
    assert not found.covers("iam:PassRole")


def test_a_condition_that_may_be_absent_is_none() -> None:
    condition = {"Fn::If": ["Big", {"Bool": {"aws:SecureTransport": "false"}}, {"Ref": "AWS::NoValue"}]}
    document = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}]}
    (found,) = statements(resource(PolicyDocument=document), "PolicyDocument")
    assert found.condition == {}


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("DB_PASSWORD", True), ("dbPassword", True), ("HF_TOKEN", True), ("apiKey", True), ("AWS_ACCESS_KEY", True),
        ("SECRET_ARN", False), ("PASSWORD_PARAMETER", False), ("TOKENIZER", False), ("MONKEY", False), ("KEY", False),
    ],
)  # fmt: skip
def test_a_variable_is_known_as_a_secret_by_its_name(name: str, secret: bool) -> None:
    assert is_secret(name) is secret


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], "a template is a JSON object, got list"),
        ({}, "at least one entry under Resources"),
        ({"Resources": {}}, "at least one entry under Resources"),
        ({"Resources": {"A": {}}}, "Resources.A needs a Type"),
        ({"Resources": {"A": {"Type": "T", "Properties": []}}}, "Resources.A.Properties is a JSON object, got list"),
    ],
)
def test_what_is_no_template_is_refused_with_the_reason(content: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Template(content)


@pytest.mark.parametrize(
    "odd",
    [
        {"A": {"Ref": "B"}, "B": {"Ref": "A"}},
        {"VpcConfig": "text", "PolicyDocument": 7, "ProductionVariants": {"Fn::If": "wrong"}, "Tags": 3},
        {"BucketEncryption": {"ServerSideEncryptionConfiguration": ["x", None, 3]}, "KeyPolicy": ["Statement"]},
        {"KeyPolicy": {"Statement": [{"Principal": {"AWS": [{"Fn::Sub": 3}]}, "Effect": "Allow"}, None, "x"]}},
        {"AssumeRolePolicyDocument": {"Fn::Sub": ["a", "b", "c"]}, "Environment": {"Variables": ["TOKEN"]}},
    ],
)
def test_odd_properties_give_an_outcome_for_each_rule_and_no_trace(odd: dict[str, Any]) -> None:
    # GIVEN every type that some rule looks at, with properties of the wrong shape
    from stacks.rules import every_rule

    types = sorted({type_ for rule in every_rule() for type_ in rule.types} - {"*"})
    template = Template({"Resources": {f"R{i}": {"Type": type_, "Properties": odd} for i, type_ in enumerate(types)}})
    # WHEN every rule looks at them
    outcomes = list(evaluate(template))
    # THEN each looked at each of its types
    assert {outcome.rule.id for outcome in outcomes} == {rule.id for rule in every_rule()}


def test_a_rule_that_breaks_gives_an_error_and_the_others_go_on() -> None:
    def broken(resource: Resource, template: Template) -> list[Problem]:
        raise KeyError("gone")

    texts_ = {"title": "t", "why": "w.", "fix": "f.", "source": "s", "controls": (), "types": ("T",)}
    rules = [Rule(id="one-broken", check=broken, **texts_), Rule(id="two-fine", check=lambda r, t: [], **texts_)]
    outcomes = list(evaluate(Template({"Resources": {"A": {"Type": "T"}}}), rules))
    assert [(outcome.rule.id, outcome.error) for outcome in outcomes] == [
        ("one-broken", "KeyError: 'gone'"),
        ("two-fine", ""),
    ]


@pytest.mark.parametrize("wrong", [{"id": "CamelCase"}, {"id": "oneword"}, {"controls": ("KMS.4",)}])
def test_a_rule_with_an_unreadable_id_or_control_is_refused(wrong: dict[str, Any]) -> None:
    right = {"id": "a-b", "title": "t", "why": "w", "fix": "f", "source": "s", "controls": (), "types": ("T",)}
    with pytest.raises(ValueError, match="rule"):
        Rule(**(right | wrong), check=lambda r, t: [])
