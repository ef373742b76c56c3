"""A topic's messages do not leave in plain text."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    inline = resource.type == "AWS::SNS::Topic"
    for path, value in resource.each("Subscription.*.Protocol" if inline else "Protocol"):
        if value == "http":
            yield Problem(path, value, "messages are sent in plain text")


RULE = Rule(
    id="subscription-over-tls",
    title="A topic sends nothing by plain HTTP",
    why="An alert names what fails where; on its way everybody could read and change it.",
    fix="Use https, or a queue or function of the account.",
    source="https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html",
    controls=("NIST SC-8", "NIST SC-13"),
    types=("AWS::SNS::Topic", "AWS::SNS::Subscription"),
    check=check,
)
