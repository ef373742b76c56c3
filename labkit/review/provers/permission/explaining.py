"""Finds what is allowed and no row of the table explains, so that a permission that widens is noticed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import itemgetter

from labkit.review.provers.permission.conditions import conditions
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.permission.keeping import decided
from labkit.review.provers.permission.matching import Match, match
from labkit.review.provers.permission.principals import Principal, named
from labkit.review.provers.permission.questions import Question, Questions
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.statements import Statement
from labkit.review.provers.permission.symbols import OTHER, STAR, pattern, shown
from labkit.review.provers.permission.table import Row

RULE = "permission-unexplained"
_HINT = "take it away, or add a row to permissions.toml that says why"
# Statements on these speak of the resource that holds them, whatever else they name.
_ALONE = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::IAM::Role")
_NEGATED = ("not", "null")


def unexplained(stack: Stack, questions: Questions, rows: Iterable[Row]) -> Iterator[Finding]:
    """Yield a finding for each permission without a row, and one for each principal or resource that has none such."""
    reasons = [one for row in rows if row.kind == "may" for one in questions.of(row) if isinstance(one, Question)]
    direct = _Reasons(one for one in reasons if not one.through)
    for name in stack.principals:
        given = [one for policy in stack.identity[name] for one in policy.statements]
        mine = direct.of(who for who in direct.principals if who.logical_id == name)
        yield from _said(name, [text for one in given for text in _of(stack, one, mine)])
    for name, policies in stack.on_resources.items():
        found = []
        for statement in (one for policy in policies for one in policy.statements):
            found += list(_on(stack, statement, direct, owner=name))
        yield from _said(name, found, what="policy on it")
    for name, policy in stack.on_endpoints.items():
        through = [one for one in reasons if one.through == name]
        found = [text for one in policy.statements for text in _of(stack, one, through, endpoint=True)]
        yield from _said(name, found, what="endpoint policy")


class _Reasons:
    """Reasons by the principal that they are given for: a table has many, for few principals."""

    def __init__(self, reasons: Iterable[Question]) -> None:
        self.principals: dict[Principal, list[tuple[int, Question]]] = {}
        for place, one in enumerate(reasons):
            self.principals.setdefault(one.asked.who, []).append((place, one))

    def of(self, principals: Iterable[Principal]) -> list[Question]:
        """The reasons of some principals, in the order of the table."""
        found = (pair for who in principals for pair in self.principals[who])
        return [one for _, one in sorted(found, key=itemgetter(0))]


def _said(name: str, found: list[str], *, what: str = "permission of it") -> Iterator[Finding]:
    for text in dict.fromkeys(found):
        yield Finding(RULE, name, "open", f"{text}: no row explains it; {_HINT}")
    if not found:
        yield Finding(RULE, name, "pass", f"every {what} is explained by a row of the table")


def _of(stack: Stack, statement: Statement, reasons: list[Question], *, endpoint: bool = False) -> Iterator[str]:
    """What of a principal's or an endpoint's statement no reason covers, each in a sentence."""
    whole = _of_whole(statement)
    if whole is not None:
        yield from whole
        return
    who = "anybody may " if endpoint else f"{reasons[0].asked.who.logical_id} may " if reasons else "it may "
    yield from _uncovered(stack, statement, reasons, "", who)


def _on(stack: Stack, statement: Statement, reasons: _Reasons, *, owner: str) -> Iterator[str]:
    """What of a statement on a resource no reason covers, each in a sentence."""
    whole = _of_whole(statement)
    if whole is not None:
        yield from whole
        return
    if statement.principals is None or statement.principals.others:
        yield f"{statement} allows everybody but whom it names"
        return
    for _, text in statement.principals.names:
        fitting = reasons.of(who for who in reasons.principals if _is_for(statement, who, text.value))
        yield from _uncovered(stack, statement, fitting, owner, f"{shown(text.value)} may ")


def _of_whole(statement: Statement) -> list[str] | None:
    """What is to be said of a statement as a whole; ``None``: one must look at what it names."""
    if statement.problem:
        return [f"{statement} cannot be read ({statement.problem})"]
    if statement.effect == "Deny":
        return []
    if statement.other_actions or statement.other_resources:
        return [f"{statement} allows everything but what it names"]
    return None


def _is_for(statement: Statement, who: Principal, text: str) -> bool:
    if who.kind == "account":
        return named(statement, who).account is Match.YES
    if text == "*":
        return who.kind == "anyone"
    return text == who.arn and named(statement, who).direct is Match.YES


def _uncovered(stack: Stack, statement: Statement, reasons: list[Question], owner: str, who: str) -> Iterator[str]:
    for resource in _resources(stack, statement, owner):
        on = [one for one in reasons if match(one.asked.resource, resource) is Match.YES]
        for action in statement.actions:
            acts = pattern(action.value)
            asked, near = acts.lower(), ""
            for one in on:
                if match(one.asked.action.lower(), asked) is Match.YES:
                    loose = _loose(stack, statement, one)
                    if not loose:
                        break
                    near = f" also without {loose}"
            else:
                yield f"{who}{shown(acts)} on {shown(resource)}{near} ({statement})"


def _resources(stack: Stack, statement: Statement, owner: str) -> list[str]:
    if owner and stack.names.type_of(owner) in _ALONE:
        return [pattern(stack.arns[owner])]
    found = [pattern(text.value) for text in statement.resources]
    if owner:
        beyond = pattern(stack.arns[owner]) + STAR
        return [beyond if text == STAR else text for text in found] or [beyond]
    return found


def _loose(stack: Stack, statement: Statement, one: Question) -> str:
    """The condition of a reason that nothing asks for; empty: the statement, or a denial elsewhere, asks for all."""
    for key, value in one.row.when.items():
        asks = [test for test in statement.tests if test.key.lower() == key.lower()]
        contexts = [one.asked.context.with_(key, other) for other in (None, (OTHER,))]
        if not asks:
            changed = [replace(one, asked=replace(one.asked, context=context)) for context in contexts]
            loose = not any(decided(stack, other).denied for other in changed)
        elif any(word in test.operator.lower() for test in asks for word in _NEGATED):
            loose = False  # it names what is refused, and any other value passes on purpose
        else:
            loose = any(conditions(statement, context)[0].possible for context in contexts)
        if loose:
            return f"{key} = {value}"
    return ""
