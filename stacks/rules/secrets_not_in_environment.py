"""No secret stands in plain text where a function, container or job reads its variables."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function

_SECRET = re.compile(
    r"(^|[^a-z])(pass(word|wd|phrase)?|pwd|secrets?|tokens?|api_?keys?|access_?keys?|private_?keys?|credentials?)($|[^a-z])"
)
# A name that only says where the secret is kept.
_WHERE = re.compile(r"_?(arn|name|id|path|parameter|url|uri)$")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLACES = {
    "AWS::Lambda::Function": ("Environment.Variables.*",),
    "AWS::SageMaker::Model": ("PrimaryContainer.Environment.*", "Containers.*.Environment.*"),
    "AWS::Glue::Job": ("DefaultArguments.*",),
    "AWS::CodeBuild::Project": ("Environment.EnvironmentVariables.*",),
}


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for place in _PLACES[resource.type]:
        for path, value in resource.each(place):
            name, given = path.rpartition(".")[2], value
            if resource.type == "AWS::CodeBuild::Project":
                if not isinstance(value, dict) or value.get("Type", "PLAINTEXT") != "PLAINTEXT":
                    continue
                name, given = str(value.get("Name")), value.get("Value")
            if is_secret(name) and isinstance(given, str) and given and not is_function(given):
                yield Problem(path, "(not shown)", f"{name} holds a literal value in plain text")


def is_secret(name: str) -> bool:
    """Tell whether a variable's name says that it holds a secret, in any way of writing words together."""
    words = _WORDS.sub("_", name).lower().replace("-", "_").strip("_")
    return bool(_SECRET.search(words)) and not _WHERE.search(words)


RULE = Rule(
    id="secrets-not-in-environment",
    title="No environment variable holds a secret in plain text",
    why="Everybody who may read the template or describe the resource would read the secret.",
    fix="Keep it in Secrets Manager and give the code its name.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html",
    controls=("FSBP CodeBuild.2", "NIST IA-5(7)", "NIST SA-3"),
    types=tuple(_PLACES),
    check=check,
)
