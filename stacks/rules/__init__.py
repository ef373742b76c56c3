"""The project's own rules: one rule is one file in this folder, and nothing registers it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

__all__ = ["Outcome", "Problem", "Resource", "Rule", "Template", "evaluate", "every_rule"]

_FOLDER = Path(__file__).parent
_NO_RULES = ("__init__", "generate_nag_table")


@dataclass(frozen=True)
class Outcome:
    """What one rule says of one resource it looked at. ``error`` tells why it could not look."""

    rule: Rule
    resource: Resource
    problems: tuple[Problem, ...]
    error: str = ""


@cache
def every_rule() -> tuple[Rule, ...]:
    """Return the rules of this folder, sorted by id.

    Raises:
        ValueError: a file's name and its rule's id differ.
    """
    rules = []
    for file in sorted(_FOLDER.glob("*.py")):
        if file.stem not in _NO_RULES:
            rule: Rule = importlib.import_module(f"{__name__}.{file.stem}").RULE
            if rule.id != file.stem.replace("_", "-"):
                raise ValueError(f"{file.name}: holds the rule {rule.id!r}; file and rule have one name")
            rules.append(rule)
    return tuple(rules)


def evaluate(template: Template, rules: Sequence[Rule] | None = None) -> Iterator[Outcome]:
    """Yield what each rule says of each resource of its types."""
    for rule in every_rule() if rules is None else rules:
        for resource in template.of(*rule.types):
            try:
                yield Outcome(rule, resource, tuple(rule.check(resource, template)))
            # A template is input: whatever stands in it, the answer is a row and no trace.
            except Exception as error:
                yield Outcome(rule, resource, (), f"{type(error).__name__}: {error}")
