"""No password and no key stands in a template."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import each

# Texts that are a secret whatever they stand in, and how each begins.
_SHAPES = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[abp]-[0-9]{8,}"
)
# Where a text is a secret by its name, also in each case of a condition.
_PASSWORDS = re.compile(
    r"(?P<path>(?:^|.*\.)(?P<name>(?:Master|Admin)?UserPass(?:word)?|(?:Admin|Master|Db|Auth)?(?:Password|AuthToken)|"
    r"SecretString|PASSWORD))(?:\.Fn::If\.[12])*$"
)
_RESOLVED = "{{resolve:"
_MASKED = "(not shown)"


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, text in resource.texts:
        if _SHAPES.search(text):
            yield Problem(path, _MASKED, "the text holds a key that opens something")
        named = _PASSWORDS.match(path)
        if named and text and _RESOLVED not in text:
            yield Problem(named["path"], _MASKED, f"{named['name']} stands there in plain text")
    for path, value in each(template.content, "Parameters.*.Default") if not resource.logical_id else ():
        name = path.split(".")[1]
        if isinstance(value, str) and value and template.content["Parameters"][name].get("NoEcho"):
            yield Problem(path, _MASKED, "the parameter is a secret, and its default stands in the template")


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
