"""A policy permits actions on named resources wherever AWS can tell resources apart."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.actions import can_be_limited
from stacks.rules.kit.policy import IDENTITY_POLICIES, identity_statements
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for statement in identity_statements(resource):
        if not statement.allows:
            continue
        if statement.other_resources:
            path = f"{statement.path}.NotResource"
            yield Problem(path, statement.other_resources, "everything but these is permitted")
        limitable = [action for action in statement.actions if can_be_limited(action)]
        if "*" in statement.resources and limitable:
            names = ", ".join(limitable)
            yield Problem(f"{statement.path}.Resource", "*", f"{names} can be limited to resources, and is not")


RULE = Rule(
    id="resources-named",
    title="A policy permits actions on named resources wherever AWS can limit them",
    why="A permission on everything reaches other labs, other data and what does not exist yet.",
    fix="Name the ARN. Only actions without resource-level permission, such as ecr:GetAuthorizationToken, need *.",
    source="https://docs.aws.amazon.com/service-authorization/latest/reference/"
    "reference_policies_actions-resources-contextkeys.html",
    controls=("FSBP KMS.1", "FSBP KMS.2", "NIST AC-3", "NIST AC-6", "NIST AC-6(10)"),
    types=tuple(IDENTITY_POLICIES),
    check=check,
)
