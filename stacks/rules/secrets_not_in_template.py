"""No password and no key stands in a template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import cases, each, is_function

# Texts that are a secret whatever they stand in, and how each begins.
_SHAPES = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[abp]-[0-9]{8,}"
)
_PASSWORDS = re.compile(
    r"^(Master|Admin)?User(Pass(word)?)$|^(Admin|Master|Db|Auth)?(Password|AuthToken)$|^SecretString$|^PASSWORD$"
)
_RESOLVED = "{{resolve:"
_MASKED = "(not shown)"


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    yield from _walk(resource.properties, "")
    for path, value in each(template.content, "Parameters.*.Default") if not resource.logical_id else ():
        name = path.split(".")[1]
        if isinstance(value, str) and value and template.content["Parameters"][name].get("NoEcho"):
            yield Problem(path, _MASKED, "the parameter is a secret, and its default stands in the template")


def _walk(value: Any, path: str) -> Iterator[Problem]:
    stack = [(value, path)]
    while stack:
        current, where = stack.pop()
        if isinstance(current, str):
            if _SHAPES.search(current):
                yield Problem(where, _MASKED, "the text holds a key that opens something")
        elif isinstance(current, (dict, list)):
            items = current.items() if isinstance(current, dict) else enumerate(current)
            for name, part in items:
                inner = f"{where}.{name}" if where else str(name)
                for case in cases(part) if _PASSWORDS.match(str(name)) else ():
                    if isinstance(case, str) and case and not is_function(case) and _RESOLVED not in case:
                        yield Problem(inner, _MASKED, f"{name} stands there in plain text")
                stack.append((part, inner))


RULE = Rule(
    id="secrets-not-in-template",
    title="No password and no key stands in a template",
    why="Everybody who may read the template, the stack or the repository would read the secret.",
    fix="Let Secrets Manager make the secret, and name it: {{resolve:secretsmanager:...}}.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/security-best-practices.html#creds",
    controls=("NIST IA-5(7)", "NIST SA-3"),
    types=("*",),
    check=check,
)
