"""Only named principals use a key."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.policy import Statement, statements
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

# Conditions that tie a caller to one account or organization.
_CALLERS = (
    "kms:CallerAccount",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:SourceAccount",
    "aws:SourceArn",
)


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, policy in resource.each("KeyPolicy"):
        if policy is None:
            yield Problem(path, None, "the key has no policy of its own")
    for statement in statements(resource, "KeyPolicy"):
        if not statement.allows or not statement.for_anyone:
            continue
        if not _bound(statement):
            what = "decrypt" if statement.covers("kms:Decrypt") else "use the key"
            yield Problem(f"{statement.path}.Principal", "*", f"everybody in any account may {what}")


def _bound(statement: Statement) -> bool:
    return any(given and "*" not in given for _, given in statement.conditions_on(*_CALLERS))


RULE = Rule(
    id="key-policy-closed",
    title="A key policy lets nobody use the key who is not named or bound by a condition",
    why="A key that everybody may use protects nothing.",
    fix="Name principals; for everybody in an account add the condition kms:CallerAccount.",
    source="https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html",
    controls=("FSBP KMS.5", "NIST AC-3", "NIST AC-6", "NIST SC-12"),
    types=("AWS::KMS::Key",),
    check=check,
)
