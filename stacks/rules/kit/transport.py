"""Finds the statement that refuses callers without TLS."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.rules.kit.policy import policies_on
from stacks.rules.kit.rule import Problem
from stacks.rules.kit.template import Resource, Template


def expect_tls(resource: Resource, template: Template, *, policy: str, subject: str, action: str) -> Iterator[Problem]:
    """Yield a problem unless a policy denies an action to everybody who comes without TLS.

    Args:
        resource: the topic or queue.
        template: where it stands.
        policy: type of its policy resource.
        subject: the policy's property that names it.
        action: what callers do, such as ``sns:Publish``.
    """
    for _, statement in policies_on(template, policy, subject, resource):
        insecure = any(
            operator == "Bool" and "false" in given
            for operator, given in statement.conditions_on("aws:SecureTransport")
        )
        # Any other condition in the statement would let some insecure calls pass.
        alone = sum(len(tested) for tested in statement.condition.values()) == 1
        if not statement.allows and statement.for_anyone and insecure and alone and statement.covers(action):
            return
    name = policy.rpartition("::")[2]
    yield Problem(name, None, f"no statement denies {action} to everybody without aws:SecureTransport")
