"""A service's role is used by something."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.policy import statements
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import references

_ATTACHED = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy")


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    trusted = {kind for one in statements(resource, "AssumeRolePolicyDocument") for kind in one.principals}
    if trusted != {"Service"} or resource.logical_id in template.rest.references:
        return
    for other in template.resources.values():
        if other is not resource and resource.logical_id in other.references and _works_with(other, resource):
            return
    yield Problem("AssumeRolePolicyDocument", None, "nothing of the template works with the role")


def _works_with(other: Resource, role: Resource) -> bool:
    if other.type not in _ATTACHED:
        return True
    # Being the one that a policy is attached to is no use; being named in it is.
    subject = {name: value for name, value in other.properties.items() if name not in ("Roles", "RoleName")}
    return role.logical_id in references(subject)


RULE = Rule(
    id="role-used",
    title="Something of the template works with every role",
    why="A role without a use keeps permissions that nobody watches, and tells that what had the use is missing.",
    fix="Take the role away, or put back what works with it.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#remove-credentials",
    controls=("NIST AC-2", "NIST AC-6"),
    types=("AWS::IAM::Role",),
    check=check,
    of_labs=True,
)
