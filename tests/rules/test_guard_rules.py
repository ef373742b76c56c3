"""Each Guard rule is proved by a template that keeps it and one that breaks it, judged by CDK's validation plugin."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stacks.rules import Template, evaluate, every_rule
from stacks.rules.kit import guard
from stacks.rules.kit.guard import GuardRule, guard_rules, rules_of, views

HERE = Path(__file__).parent
RULES = pytest.mark.parametrize("rule", guard_rules(), ids=lambda rule: rule.id)
Found = dict[tuple[str, str], dict[str, list[dict[str, Any]]]]


def content(rule: GuardRule, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / rule.id / f"{name}.json").read_text())
    return found


def judge(templates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # CDK takes a second to load, and only these tests need it.
    from stacks.judge import answer

    return [answer({"content": one, "region": "us-east-1", "packs": []}) for one in templates]


def prefix(rule: GuardRule) -> str:
    return f"{rule.name.replace('_', '')}X"


@pytest.fixture(scope="module")
def found() -> Found:
    """What Guard finds, by rule and example. All examples go in one template each way: an engine starts once."""
    kinds = ("pass", "fail")
    merged = []
    for kind in kinds:
        whole: dict[str, Any] = {"Conditions": {}, "Resources": {}}
        for rule in guard_rules():
            one = content(rule, kind)
            whole["Conditions"] |= one.get("Conditions", {})
            whole["Resources"] |= {prefix(rule) + name: body for name, body in one["Resources"].items()}
        merged.append(whole)
    known = {rule.id: rule for rule in guard_rules()}
    by_example: Found = {}
    for kind, answer in zip(kinds, judge(merged), strict=True):
        for finding in answer["guard"]:
            start = prefix(known[finding["rule"]])
            if finding["logical_id"].startswith(start):
                of_rule = by_example.setdefault((finding["rule"], kind), {})
                of_rule.setdefault(finding["logical_id"].removeprefix(start), []).append(finding)
    return by_example


@RULES
def test_a_template_that_keeps_the_rule_passes_with_resources_looked_at(rule: GuardRule, found: Found) -> None:
    assert list(rules_of(Template(content(rule, "pass")), [rule]))
    assert found.get((rule.id, "pass"), {}) == {}


@RULES
def test_a_template_that_breaks_the_rule_fails_naming_the_property(rule: GuardRule, found: Found) -> None:
    problems = found.get((rule.id, "fail"), {})
    named = {name: sorted(one["path"] for one in several) for name, several in problems.items()}
    assert named == content(rule, "fail")["Metadata"]["Fails"]
    assert not any(one["undecided"] for several in problems.values() for one in several)
    assert all(one["message"] for several in problems.values() for one in several)


@RULES
def test_a_rule_explains_itself(rule: GuardRule) -> None:
    assert rule.title
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")
    assert rule.source.startswith("https://docs.aws.amazon.com/")
    assert rule.controls


@RULES
def test_a_rule_looks_at_the_types_it_names(rule: GuardRule) -> None:
    # Counting goes by the types in the comment, judging by those in the text.
    assert set(re.findall(r'"(AWS::\w+::\w+)"', rule.text.partition("\nlet ")[2])) == set(rule.types)


def test_ids_and_titles_are_unique_beside_the_rules_in_python() -> None:
    rules = [*guard_rules(), *every_rule()]
    assert len({rule.id for rule in rules}) == len({rule.title for rule in rules}) == len(rules)


def test_a_value_that_only_cloudformation_knows_is_undecided_and_a_condition_is_tried_both_ways() -> None:
    def job(value: Any) -> dict[str, Any]:
        isolated = {"NetworkConfig": {"EnableNetworkIsolation": value}}
        return {"Type": "AWS::SageMaker::DataQualityJobDefinition", "Properties": isolated}

    # GIVEN a switch that a parameter sets, and one that a condition turns off
    off = {"Fn::If": ["Open", False, True]}
    template = {"Resources": {"Given": job({"Ref": "Switch"}), "Either": job(off), "On": job(True)}}
    # WHEN Guard judges the template
    (answer,) = judge([template])
    # THEN the first is undecided, the second open
    rows = {
        one["logical_id"]: one["undecided"] for one in answer["guard"] if one["rule"] == "data-quality-job-isolated"
    }
    assert rows == {"Given": True, "Either": False}


def test_a_template_is_seen_with_every_value_that_conditions_can_choose() -> None:
    nested = {"Fn::If": ["A", 1, {"Fn::If": ["B", 2, {"Ref": "AWS::NoValue"}]}]}
    seen = [view["Resources"]["One"].get("Size") for view in views({"Resources": {"One": {"Size": nested}}})]
    assert {1, 2, None} == set(seen)


def test_generic_resources_and_overridden_properties_are_seen() -> None:
    import aws_cdk as cdk
    from aws_cdk import aws_sagemaker as sagemaker

    # GIVEN a model written by its type's name, and one that is safe until a property is overridden
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Seen")
    cdk.CfnResource(stack, "Generic", type="AWS::SageMaker::Model", properties={"PrimaryContainer": {"Image": "i"}})
    vpc = sagemaker.CfnModel.VpcConfigProperty(subnets=["subnet-1"], security_group_ids=["sg-1"])
    registry = sagemaker.CfnModel.ImageConfigProperty(repository_access_mode="Vpc")
    container = sagemaker.CfnModel.ContainerDefinitionProperty(image="i", image_config=registry)
    safe = {"enable_network_isolation": True, "vpc_config": vpc, "primary_container": container}
    sagemaker.CfnModel(stack, "Safe", **safe)
    model = sagemaker.CfnModel(stack, "Overridden", **safe)
    model.add_property_override("EnableNetworkIsolation", False)
    model.add_property_override("PrimaryContainer.ImageConfig.RepositoryAccessMode", "Platform")
    template = cdk.assertions.Template.from_stack(stack).to_json()
    # WHEN the rules in Python and those in Guard look at the template
    python = {
        (outcome.rule.id, outcome.resource.logical_id)
        for outcome in evaluate(Template(template))
        if outcome.problems and outcome.resource.type == "AWS::SageMaker::Model"
    }
    (answer,) = judge([template])
    # THEN both models are found, and the safe one is not
    assert {("model-network-isolated", "Generic"), ("model-network-isolated", "Overridden")} <= python
    assert ("model-in-vpc", "Generic") in python
    assert not [row for row in python if row[1] == "Safe" and row[0].startswith("model-")]
    assert {(one["rule"], one["logical_id"]) for one in answer["guard"]} == {
        ("model-registry-private", "Generic"),
        ("model-registry-private", "Overridden"),
    }


def test_a_template_that_guard_did_not_come_to_is_told_and_not_passed() -> None:
    (answer,) = judge([{"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {}}}, "Transform": 7}])
    assert ("guard" in answer) != ("guard_refused" in answer)


def test_a_file_that_does_not_tell_what_a_rule_must_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some-rule.guard").write_text('# title = "A"\n\nrule other_rule {\n}\n')
    monkeypatch.setattr(guard, "FOLDER", tmp_path)
    guard_rules.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"some-rule\.guard"):
            guard_rules()
    finally:
        guard_rules.cache_clear()
