"""What the permission prover proves, rule by rule."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One thing that is proved: see ``stacks.rules.Rule`` for the meaning of the fields."""

    id: str
    title: str
    why: str
    fix: str
    source: str
    controls: tuple[str, ...]


RULES = (
    Rule(
        id="permission-table",
        title="Every row of the lab's table of permissions holds",
        why="A permission that is missing fails in the middle of a lab; one that must not be there is found by others.",
        fix="Change the policy, or the row with its reason, in the lab's permissions.toml.",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
        controls=("NIST AC-3", "NIST AC-6"),
    ),
    Rule(
        id="permission-unexplained",
        title="Nothing is allowed that no row of the table explains",
        why="A policy that grows is noticed by nobody, since everything still works.",
        fix="Take the permission away, or add a row with the reason to the lab's permissions.toml.",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
        controls=("NIST AC-6", "NIST AC-6(7)"),
    ),
    Rule(
        id="no-privilege-escalation",
        title="No role can take over the permissions of another",
        why="Whoever holds such a role holds everything at the end of the way, whatever the role's own policy says.",
        fix="Take away one step of the way: name resources, bind iam:PassRole to a role and a service.",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
        controls=("NIST AC-6", "NIST AC-6(10)"),
    ),
    Rule(
        id="no-exfiltration",
        title="No role, endpoint or policy lets data out of the account",
        why="Data leaves by what is allowed: a write to a foreign bucket, a policy changed, a snapshot shared.",
        fix="Name the stack's own resources, bind the action by aws:ResourceAccount, or take it away.",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html",
        controls=("NIST AC-4", "NIST AC-3", "NIST SC-7"),
    ),
    Rule(
        id="trust-narrow",
        title="Roles and resources are used only on behalf of this account",
        why="A service that is trusted without a source account can be made to act for somebody else.",
        fix="Add aws:SourceAccount or aws:SourceArn for services, sts:ExternalId for other accounts.",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
        controls=("NIST AC-3", "NIST AC-6", "NIST AC-4"),
    ),
)
