"""A policy permits actions one by one, never a whole service."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stacks.rules.kit.policy import IDENTITY_POLICIES, identity_statements, statements
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

_EVERYTHING = re.compile(r"\*+|[\w-]+:\*+")
_RESOURCE_POLICIES = ("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy")


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if resource.type in _RESOURCE_POLICIES:
        found = statements(resource, "PolicyDocument")
    else:
        found = identity_statements(resource)
    for statement in found:
        if statement.allows and statement.other_actions:
            yield Problem(f"{statement.path}.NotAction", statement.other_actions, "everything but these is permitted")
        for action in statement.actions:
            if statement.allows and _EVERYTHING.fullmatch(action):
                yield Problem(f"{statement.path}.Action", action, "every action is permitted, also those still to come")


RULE = Rule(
    id="actions-written-out",
    title="A policy permits no whole service and not everything",
    why="A wildcard permits deleting and changing permissions too, and every action that AWS adds later.",
    fix="Write out the actions that the code calls.",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-21",
    controls=("FSBP IAM.1", "FSBP IAM.21", "NIST AC-2", "NIST AC-3", "NIST AC-5", "NIST AC-6", "NIST AC-6(10)"),
    types=(*IDENTITY_POLICIES, *_RESOURCE_POLICIES),
    check=check,
    same_as=("IAMPolicyNoStatementsWithFullAccess",),
)
