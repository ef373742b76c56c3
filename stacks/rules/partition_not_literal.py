"""A template names no partition, so that it works in aws, aws-us-gov and aws-cn."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

# An ARN with region and account names one existing thing, such as a key that the user gave: it is right nowhere else.
_LITERAL = re.compile(r"arn:aws(-cn|-us-gov|-iso\w*|-eusc)?:(?![\w-]+:[\w-]+:\d{12}:)")


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, text in resource.texts:
        found = _LITERAL.search(text)
        if found:
            yield Problem(path, text, f"{found[0]} is right in one partition only")


RULE = Rule(
    id="partition-not-literal",
    title="No ARN spells out its partition, unless it names one account's resource in one region",
    why="The same template must deploy in commercial regions, in GovCloud and in China.",
    fix="Write ${AWS::Partition} in place of aws.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html",
    controls=("NIST CM-2",),
    types=("*",),
    check=check,
)
