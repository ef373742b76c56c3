"""Whether a statement's conditions keep out everybody of another account."""

from __future__ import annotations

from labkit.review.provers.permission.conditions import conditions
from labkit.review.provers.permission.context import Context, Values
from labkit.review.provers.permission.matching import Match
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.statements import Statement
from labkit.review.provers.permission.symbols import OTHER, STAR

_ACCOUNTS = ("aws:principalaccount", "kms:calleraccount", "aws:sourceaccount", "aws:sourceowner")
_NAMES = (
    "aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths", "aws:principalarn",
    "aws:sourcevpc", "aws:sourcevpce", "aws:userid", "sts:externalid", "lambda:eventsourcetoken",
)  # fmt: skip
# Where a stranger may come from: another account's resource, or a resource whose ARN names no account.
_PLACES = (f"arn:{STAR}:{STAR}:{STAR}:{OTHER}:{STAR}", f"arn:{STAR}:{STAR}:::{OTHER}")


def kept_out(stack: Stack, statement: Statement, *, service: bool) -> Match:
    """Tell whether the conditions hold for no request from another account.

    Args:
        stack: the template.
        statement: the statement.
        service: whether an AWS service asks, on behalf of another account's resource.
    """
    worst = Match.YES
    for place in _PLACES:
        known: dict[str, Values | None] = dict.fromkeys((*_ACCOUNTS, *_NAMES), (OTHER,))
        known |= {"aws:securetransport": ("true",), "aws:sourceip": ("8.8.8.8",), "aws:sourcearn": (place,)}
        if service:
            known |= dict.fromkeys(("aws:principalaccount", "aws:principalorgid", "aws:principalarn"), None)
        else:
            known |= {"aws:sourceaccount": None, "aws:sourcearn": None}
        for test in statement.tests:
            # A key of a service, compared with something that carries this account's number.
            own = any(stack.names.account in text.value for text in test.values)
            if own and test.key.lower() not in known:
                known[test.key.lower()] = (place,)
        worst = min(worst, conditions(statement, Context(known))[0].otherwise())
    return worst
