"""An event that could not be delivered is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import each, texts

# Calls of an API that the scheduler makes itself are tried again by it, and no work is lost with them.
_OWN_CALL = ":aws-sdk:"


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if resource.type == "AWS::Lambda::Function":
        if any(_calls(one, resource, template) for one in template.of("AWS::Events::Rule", "AWS::Scheduler::Schedule")):
            yield from _kept(resource, "DeadLetterConfig.TargetArn")
    elif resource.type == "AWS::Scheduler::Schedule":
        if not any(_OWN_CALL in text for _, arn in resource.each("Target.Arn") for text in texts(arn)):
            yield from _kept(resource, "Target.DeadLetterConfig.Arn")
    else:
        for path, target in resource.each("Targets.*"):
            if isinstance(target, dict):
                for inner, value in each(target, "DeadLetterConfig.Arn", at=path):
                    if not value:
                        yield Problem(inner, value, "an event that the target does not take is lost")


def _calls(one: Resource, resource: Resource, template: Template) -> bool:
    arns = one.each("Targets.*.Arn" if one.type == "AWS::Events::Rule" else "Target.Arn")
    return any(template.target(arn) is resource for _, arn in arns)


def _kept(resource: Resource, queue: str) -> Iterator[Problem]:
    for path, value in resource.each(queue):
        if not value:
            yield Problem(path, value, "an event that fails is lost")


RULE = Rule(
    id="failed-events-kept",
    title="Rules, schedules and what they call keep events that failed",
    why="An event that fails without a trace is work that nobody knows was not done.",
    fix="Name a queue in the target's DeadLetterConfig, and in the function's.",
    source="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html",
    controls=("NIST AU-5", "NIST SI-11"),
    types=("AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::Lambda::Function"),
    check=check,
    of_labs=True,
)
