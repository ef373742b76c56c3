"""Finds roles and resources that a service, another account or a stranger may use on somebody else's behalf.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from __future__ import annotations

from collections.abc import Iterator

from labkit.review.evidence import Status
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.permission.matching import Match
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.statements import Statement
from labkit.review.provers.permission.strangers import kept_out
from labkit.review.provers.permission.symbols import has_tokens, shown

RULE = "trust-narrow"
# Their credentials are handed out inside the account only, so that they send no source account.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2.html
_INSIDE = ("ec2.amazonaws.com", "ec2.amazonaws.com.cn")


def trusted(stack: Stack) -> Iterator[Finding]:
    """Yield a finding for each trust that is too wide, and one for each role and resource without any."""
    for name, policies in stack.on_resources.items():
        role = stack.names.type_of(name) == "AWS::IAM::Role"
        found = [one for policy in policies for line in policy.statements for one in _wide(stack, line, role=role)]
        for status, text in dict.fromkeys(found):
            yield Finding(RULE, name, status, text)
        if not found:
            what = "who may assume it is" if role else "services that may use it are"
            yield Finding(RULE, name, "pass", f"{what} bound to this account or organization")


def _wide(stack: Stack, statement: Statement, *, role: bool) -> Iterator[tuple[Status, str]]:
    if statement.problem:
        yield "unknown", f"{statement} cannot be read: {statement.problem}"
        return
    if statement.effect != "Allow" or statement.principals is None:
        return
    if statement.principals.others and role:
        yield "open", f"{statement} trusts everybody but whom it names; name whom it trusts"
        return
    for kind, text in statement.principals.names:
        yield from _one(stack, statement, kind, text.value, role=role)


def _one(stack: Stack, statement: Statement, kind: str, text: str, *, role: bool) -> Iterator[tuple[Status, str]]:
    if kind == "Service" and text not in _INSIDE:
        if kept_out(stack, statement, service=True) is not Match.YES:
            yield (
                "open",
                (
                    f"{statement}: {shown(text)} may use it on behalf of any account; add the condition "
                    "aws:SourceAccount or aws:SourceArn"
                ),
            )
    elif kind == "Federated" and role:
        keys = {test.key.lower().rpartition(":")[2] for test in statement.tests}
        if "oidc-provider" in text or text.endswith((".com", ".io")):
            if not {"aud", "sub"} <= keys:
                yield (
                    "open",
                    f"{statement}: anybody of {shown(text)} may assume it; add conditions on its :aud and :sub",
                )
        elif "aud" not in keys:
            yield "open", f"{statement}: anybody of {shown(text)} may assume it; add the condition SAML:aud"
    elif role and text == "*":
        if kept_out(stack, statement, service=False) is not Match.YES:
            yield "open", f"{statement}: anybody may assume it; name whom it trusts"
    elif role and kind == "AWS" and stack.names.account not in (text, *text.split(":")[4:5]):
        bound = kept_out(stack, statement, service=False) is Match.YES
        unknown = has_tokens(text) and not any(part.isdigit() for part in text.split(":"))
        if not bound:
            yield (
                "unknown" if unknown else "open",
                f"{statement}: {shown(text)} of another account may assume it without sts:ExternalId or "
                "aws:PrincipalOrgID; add one",
            )
