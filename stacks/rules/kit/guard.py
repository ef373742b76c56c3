"""Rules written in CloudFormation Guard: one file each, with what every rule tells as TOML in its leading comment."""

from __future__ import annotations

import hashlib
import itertools
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stacks.rules.kit import values
from stacks.rules.kit.rule import Check, Problem, Rule
from stacks.rules.kit.template import Resource, Template

FOLDER = Path(__file__).parents[1] / "guard"
# Each condition of a template is tried both ways, up to so many conditions.
_MOST_CONDITIONS = 16
_GONE = object()


def _elsewhere(resource: Resource, template: Template) -> Iterable[Problem]:
    raise NotImplementedError("a Guard rule is evaluated by CDK's validation plugin")


@dataclass(frozen=True, kw_only=True)
class GuardRule(Rule):
    """A rule whose check is Guard's text.

    Args:
        text: the file.
        judges: where the value stands that it judges, for the evidence when nothing stands there.
    """

    text: str
    judges: str = ""
    check: Check = _elsewhere

    @property
    def name(self) -> str:
        """The rule's name in Guard's language, which knows no hyphens."""
        return self.id.replace("-", "_")


@cache
def guard_rules() -> tuple[GuardRule, ...]:
    """Return the Guard rules, sorted by id, which is the file's name.

    Raises:
        ValueError: a file does not tell what it must, or names its rule otherwise.
    """
    return tuple(_read(file) for file in sorted(FOLDER.glob("*.guard")))


def _read(file: Path) -> GuardRule:
    text = file.read_text(encoding="utf-8")
    comment = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    try:
        told = tomllib.loads("\n".join(line.removeprefix("# ") for line in comment))
        told |= {name: tuple(told.get(name, ())) for name in ("controls", "types", "same_as")}
        rule = GuardRule(id=file.stem, text=text, **told)
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ValueError(f"{file.name}: the leading comment is not the TOML of a rule: {error}") from None
    if f"\nrule {rule.name} " not in text:
        raise ValueError(f"{file.name}: the rule in it is named {rule.name}; file and rule have one name")
    return rule


@cache
def digest() -> str:
    """The content of the rules: it changes whenever a rule does."""
    content = "".join(f"{rule.id}\0{rule.text}\0" for rule in guard_rules())
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def views(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A template as Guard reads it: no conditions, and texts put together.

    Guard takes ``Fn::If`` for a map like any other. So it gets the template once with every condition true, once with
    every one false, and once with each alone turned the other way: each value that a property can have is in one view.
    """
    content = {name: part for name, part in content.items() if name != "Conditions"}
    names = sorted(_conditions(content))[:_MOST_CONDITIONS]
    ways = [dict.fromkeys(names, True)]
    if names:
        ways.append(dict.fromkeys(names, False))
    if len(names) > 1:
        ways += [{**ways[0], name: False} for name in names] + [{**ways[1], name: True} for name in names]
    return [_seen(content, way) for way in ways]


def _conditions(value: Any) -> set[str]:
    found: set[str] = set()
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, list):
            stack += current
        elif isinstance(current, dict):
            chosen = current.get("Fn::If")
            if isinstance(chosen, list) and len(chosen) == 3 and isinstance(chosen[0], str):
                found.add(chosen[0])
            stack += current.values()
    return found


def _seen(value: Any, way: Mapping[str, bool]) -> Any:
    if isinstance(value, list):
        return [item for one in value if (item := _seen(one, way)) is not _GONE]
    if not isinstance(value, dict):
        return value
    if value == {"Ref": "AWS::NoValue"}:
        return _GONE
    chosen = value.get("Fn::If")
    if len(value) == 1 and isinstance(chosen, list) and len(chosen) == 3:
        return _seen(chosen[1] if way.get(str(chosen[0]), True) else chosen[2], way)
    if len(value) == 1 and ("Fn::Sub" in value or "Fn::Join" in value):
        return next(iter(values.texts(value)), value)
    return {name: item for name, one in value.items() if (item := _seen(one, way)) is not _GONE}


def problem(rule: GuardRule, content: Mapping[str, Any], logical_id: str, path: str, message: str) -> Problem:
    """What Guard reported, with the value that stands there; a function's value is known to CloudFormation only.

    Args:
        rule: the rule that is broken.
        content: the view that Guard read.
        logical_id: the resource.
        path: the property as Guard names it, or the nearest part above it that exists.
        message: Guard's words.
    """
    value: Any = content.get("Resources", {}).get(logical_id, {}).get("Properties")
    undecided = False
    for step in path.split(".") if path else ():
        undecided = undecided or values.is_function(value)
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            value = value.get(step) if isinstance(value, dict) else None
    undecided = undecided or values.is_function(value)
    if not undecided and path != rule.judges and f"{rule.judges}.".startswith(f"{path}." if path else ""):
        return Problem(rule.judges or path, None, message)
    return Problem(path, value if path else None, message, undecided=undecided)


def rules_of(template: Template, rules: Iterable[GuardRule]) -> Iterator[tuple[GuardRule, Resource]]:
    """Yield each rule with each resource that it looks at."""
    for rule in rules:
        for resource in template.of(*rule.types):
            yield rule, resource
