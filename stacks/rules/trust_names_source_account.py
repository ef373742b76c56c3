"""A service uses a role only on behalf of this account."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.policy import statements
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

_KEYS = ("aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths")
# Services that send no source account when they assume a role, with the page that says what they send.
WITHOUT_SOURCE = {
    # Instance credentials are issued by the instance's own profile, which lives in the role's account.
    "ec2.amazonaws.com": "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2.html",
}


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for statement in statements(resource, "AssumeRolePolicyDocument"):
        services = [name for name in statement.principals.get("Service", ()) if name not in WITHOUT_SOURCE]
        named = any("*" not in given for _, given in statement.conditions_on(*_KEYS))
        if statement.allows and services and not named:
            yield Problem(f"{statement.path}.Condition", None, f"{services[0]} may use the role for any account")


RULE = Rule(
    id="trust-names-source-account",
    title="A role that a service assumes names the account it may be assumed for",
    why="Without it, somebody in another account can make the service act with this role: the confused deputy.",
    fix="Add the condition aws:SourceAccount (or aws:SourceArn) to the statement for the service.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
    controls=("NIST AC-3", "NIST AC-6", "NIST AC-4"),
    types=("AWS::IAM::Role",),
    check=check,
)
