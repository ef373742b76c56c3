"""Who asks: a role or user of the template, a service, another account's principal, or anybody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from labkit.review.provers.permission.context import Values
from labkit.review.provers.permission.matching import Match, match
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.statements import Statement
from labkit.review.provers.permission.symbols import has_tokens

Kind = Literal["role", "user", "service", "account", "arn", "federated", "anyone"]
_SERVICE = re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal)")


@dataclass(frozen=True)
class Principal:
    """Who asks.

    Args:
        kind: what it is.
        arn: its ARN, or the service's name.
        account: the number of its account; empty for a service and for anybody.
        logical_id: of a role or user of the template.
    """

    kind: Kind
    arn: str
    account: str = ""
    logical_id: str = ""

    def context(self, stack: Stack) -> dict[str, Values | None]:
        """What a request of this principal says of it."""
        if self.kind == "service":
            return {"aws:principalisawsservice": ("true",), "aws:principalservicename": (self.arn,)} | dict.fromkeys(
                ("aws:principalaccount", "aws:principalorgid", "aws:username", "aws:principaltype"), None
            )
        if self.kind == "anyone":
            return {"aws:principalisawsservice": ("false",), "aws:principaltype": ("Anonymous",)}
        kinds = {"role": "AssumedRole", "user": "User", "account": "Account", "federated": "FederatedUser"}
        found: dict[str, Values | None] = {
            "aws:principalarn": (self.arn,),
            "aws:principalaccount": (self.account,),
            "kms:calleraccount": (self.account,),
            "aws:principalisawsservice": ("false",),
            # Only services that act for one of their resources send these.
            "aws:sourceaccount": None,
            "aws:sourcearn": None,
            "aws:principalservicename": None,
        }
        if self.kind in kinds:
            found["aws:principaltype"] = (kinds[self.kind],)
        if self.kind == "user":
            found["aws:username"] = (self.arn.rpartition("/")[2],)
        if self.kind == "role":
            found["aws:username"] = None
        return found


def principal(stack: Stack, who: str) -> Principal | None:
    """Find who is meant; ``None`` if nobody of the template.

    Args:
        stack: the template.
        who: logical id of a role or user, a service such as ``logs.us-east-1.amazonaws.com``, an ARN, the number
            of an account, ``account`` for the stack's own, or ``*``.
    """
    account = stack.names.account
    kind = {"AWS::IAM::Role": "role", "AWS::IAM::User": "user"}.get(stack.names.type_of(who))
    if kind:
        return Principal("role" if kind == "role" else "user", stack.arns[who], account, who)
    if who == "*":
        return Principal("anyone", "*")
    if who == "account" or who.isdigit():
        number = account if who == "account" else who
        return Principal("account", f"arn:{stack.names.partition}:iam::{number}:root", number)
    if _SERVICE.fullmatch(who):
        return Principal("service", who)
    if who.startswith("arn:") and who.count(":") >= 5:
        for name in stack.principals:
            if stack.arns[name] == who:
                return principal(stack, name)
        kind = "federated" if ":saml-provider/" in who or ":oidc-provider/" in who else "arn"
        return Principal("federated" if kind == "federated" else "arn", who, who.split(":")[4])
    return None


@dataclass(frozen=True)
class Named:
    """How far a statement is for a principal: by its own name, through its account, or as anybody."""

    direct: Match = Match.NO
    account: Match = Match.NO
    anyone: Match = Match.NO

    @property
    def best(self) -> Match:
        return max(self.direct, self.account, self.anyone)


def named(statement: Statement, who: Principal) -> Named:
    """Tell how far a statement of a resource's policy is for a principal."""
    if statement.principals is None:
        return Named()
    found = Named()
    for kind, text in statement.principals.names:
        one = _named(kind, text.value, who)
        if not text.sure:
            one = Named(*(min(held, Match.MAYBE) for held in (one.direct, one.account, one.anyone)))
        found = Named(*(max(pair) for pair in zip(_all(found), _all(one), strict=True)))
    if not statement.principals.others:
        return found
    # NotPrincipal must name the account too, or it meets the very role that it names.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    excepted = found.best
    if who.kind in ("role", "arn") and found.direct is Match.YES and found.account is not Match.YES:
        excepted = Match.MAYBE
    return Named(anyone=excepted.otherwise())


def _named(kind: str, text: str, who: Principal) -> Named:
    if text == "*" and kind in ("*", "AWS"):
        return Named(anyone=Match.YES)
    if kind == "Service":
        if who.kind != "service":
            return Named()
        return Named(direct=Match.YES if text == who.arn else match(text, who.arn) if has_tokens(text) else Match.NO)
    if kind == "Federated":
        return Named(direct=match(text, who.arn) if who.kind == "federated" else Match.NO)
    if kind != "AWS" or who.kind in ("service", "anyone", "federated"):
        return Named()
    number = text.split(":")[4] if text.startswith("arn:") and text.count(":") == 5 and text.endswith(":root") else text
    held = match(number, who.account)
    if number != text or text.isdigit() or len(text) == 1:
        return Named(account=held)
    if ":assumed-role/" in text and who.kind == "role":
        name = text.split(":assumed-role/")[1].partition("/")[0]
        return Named(direct=min(match(name, who.arn.rpartition("/")[2]), Match.MAYBE))
    return Named(direct=match(text, who.arn))


def _all(one: Named) -> tuple[Match, Match, Match]:
    return one.direct, one.account, one.anyone
