"""Whoever creates a key may also change its policy later."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.policy import Statement
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_on

# Conditions that the deploying role of the account meets.
_MET = ("kms:calleraccount", "aws:principalaccount", "aws:securetransport", "aws:principalorgid", "aws:sourceaccount")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    policy = resource.properties.get("KeyPolicy")
    if policy is None or is_on(resource.properties.get("BypassPolicyLockoutSafetyCheck")):
        return
    if view.waits(policy):
        yield Fault("KeyPolicy", policy, "the policy is known only at deployment", undecided=True)
        return
    allowing = [one for one in view.keys.statements(resource) if one.allows and one.covers("kms:PutKeyPolicy")]
    for statement in allowing:
        for who in (*statement.principals.get("AWS", ()), *statement.principals.get("*", ())):
            if _is_deployer(who) and _met(statement):
                return
    named = [who for one in allowing for who in one.principals.get("AWS", ())]
    if any("cfn-exec-role" in who or "CloudFormation" in who for who in named):
        return
    narrowed = any(_is_deployer(who) for who in named)
    what = (
        "the condition on the account's statement may exclude the deploying role"
        if narrowed
        else "nobody whom the deploying role stands for may change the key's policy"
    )
    yield Fault("KeyPolicy", named or None, what)


def _is_deployer(who: str) -> bool:
    return who in ("*", "${AWS::AccountId}") or who.endswith(":root") or (who.isdigit() and len(who) == 12)


def _met(statement: Statement) -> bool:
    for operator, tested in statement.condition.items():
        for key, given in tested.items():
            name = key.lower()
            if name in _MET:
                continue
            deployer = any("cfn-exec" in one or "cloudformation" in one.lower() or one == "*" for one in given)
            if "not" in operator.lower() or (name in ("aws:principalarn", "aws:arn") and deployer):
                continue
            return False
    return True


CHECK = Check(
    id="deploy-key-policy-administered",
    title="The principal that creates a key may change its policy",
    phase="create",
    why="KMS refuses a policy that would lock its author out: the deploying role needs kms:PutKeyPolicy.",
    fix="Keep the statement that gives the account kms:*, without a condition that excludes the deploying role.",
    error="The new key policy will not allow you to update the key policy in the future. "
    "(MalformedPolicyDocumentException)",
    sources=(
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
        "https://github.com/aws-solutions/innovation-sandbox-on-aws/issues/31",
    ),
    covers=("DF-017",),
    types=("AWS::KMS::Key", "AWS::KMS::ReplicaKey"),
    look=look,
)
