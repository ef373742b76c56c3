"""A role is handed only to the service it is made for."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.policy import IDENTITY_POLICIES, identity_statements
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for statement in identity_statements(resource):
        if not statement.allows or not statement.covers("iam:PassRole"):
            continue
        wide = [arn for arn in statement.resources if arn == "*" or arn.endswith(":role/*")]
        if wide or statement.other_resources or not statement.resources:
            yield Problem(f"{statement.path}.Resource", wide or None, "iam:PassRole is given for every role")
        if not any("*" not in given for _, given in statement.conditions_on("iam:PassedToService")):
            yield Problem(f"{statement.path}.Condition", None, "iam:PassRole is given for every service")


RULE = Rule(
    id="pass-role-bound",
    title="iam:PassRole names the role and the service that receives it",
    why="Whoever may pass any role to any service has the permissions of all of them.",
    fix="Name the role's ARN as Resource and the service in the condition iam:PassedToService.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
    controls=("NIST AC-3", "NIST AC-6", "NIST AC-6(10)"),
    types=tuple(IDENTITY_POLICIES),
    check=check,
)
