"""What a queue's consumer cannot handle goes to another queue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function, references

# Where a resource names the queue that takes what could not be delivered.
_NAMES = {"deadLetterTargetArn", "DeadLetterConfig", "RedrivePolicy", "OnFailure", "DestinationConfig"}


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if _takes_dead_letters(resource, template):
        return
    for path, value in resource.each("RedrivePolicy"):
        if value is None:
            yield Problem(path, value, "what cannot be handled comes back until it expires, and is lost")
        elif is_function(value):
            yield Problem(path, value, "the policy is known to CloudFormation only", undecided=True)


def _takes_dead_letters(queue: Resource, template: Template) -> bool:
    return queue.one("RedriveAllowPolicy") is not None or queue.logical_id in _targets(template)


@lru_cache(maxsize=2)
def _targets(template: Template) -> frozenset[str]:
    found: set[str] = set()
    for resource in template.resources.values():
        found.update(*_named(resource.properties))
    return frozenset(found)


def _named(value: Any) -> Iterator[set[str]]:
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, list):
            stack += current
        elif isinstance(current, dict):
            for name, part in current.items():
                if name in _NAMES:
                    yield references(part)
                stack.append(part)


RULE = Rule(
    id="queue-has-dead-letters",
    title="A queue hands what cannot be handled to another queue, or is such a queue itself",
    why="A message that fails every time blocks others, and is lost when it expires.",
    fix="Set RedrivePolicy with deadLetterTargetArn and maxReceiveCount.",
    source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
    controls=("NIST CP-10", "NIST SI-11"),
    types=("AWS::SQS::Queue",),
    check=check,
)
