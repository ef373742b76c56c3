"""Each rule is proved by a template that keeps it and one that breaks it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stacks.rules import Rule, Template, evaluate, every_rule
from stacks.rules.kit.guard import guard_rules

HERE = Path(__file__).parent
RULES = pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.id)


def template(rule: Rule, name: str) -> Template:
    return Template(json.loads((HERE / rule.id / f"{name}.json").read_text()))


@RULES
def test_a_template_that_keeps_the_rule_passes_with_resources_looked_at(rule: Rule) -> None:
    # GIVEN a template that keeps the rule
    outcomes = list(evaluate(template(rule, "pass"), [rule]))
    # THEN the rule looked at something and found nothing
    assert outcomes
    assert [(o.resource.logical_id, o.problems, o.error) for o in outcomes if o.problems or o.error] == []


@RULES
def test_a_template_that_breaks_the_rule_fails_naming_the_property(rule: Rule) -> None:
    # GIVEN a template that breaks the rule, and says where
    broken = template(rule, "fail")
    # WHEN the rule looks at it
    outcomes = list(evaluate(broken, [rule]))
    found = {o.resource.logical_id: sorted(p.path for p in o.problems) for o in outcomes if o.problems}
    # THEN each broken property is named, and nothing else is
    assert found == {name: sorted(paths) for name, paths in broken.content["Metadata"]["Fails"].items()}
    assert not any(problem.undecided for outcome in outcomes for problem in outcome.problems)


def test_every_folder_of_examples_belongs_to_a_rule() -> None:
    folders = {file.parent.name for file in HERE.glob("*/*.json")}
    assert folders == {rule.id for rule in (*every_rule(), *guard_rules())}


def test_ids_and_titles_are_unique() -> None:
    rules = every_rule()
    assert len({rule.id for rule in rules}) == len({rule.title for rule in rules}) == len(rules)


@RULES
def test_a_rule_explains_itself(rule: Rule) -> None:
    assert rule.title
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")
    assert rule.source.startswith(("https://docs.aws.amazon.com/", "https://repost.aws/"))
    assert rule.controls
    assert rule.types
