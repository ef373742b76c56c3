"""Finds how data could leave: what roles and endpoints may write to elsewhere or open to others, and open policies."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from labkit.review.evidence import Status
from labkit.review.provers.permission.asking import request
from labkit.review.provers.permission.conditions import conditions
from labkit.review.provers.permission.context import Context
from labkit.review.provers.permission.decision import answer
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.permission.matching import Match, match
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.statements import Statement
from labkit.review.provers.permission.strangers import kept_out
from labkit.review.provers.permission.symbols import OTHER, has_tokens, pattern, shown

RULE = "no-exfiltration"
_OWNERS = ("aws:resourceaccount", "s3:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths")
Said = tuple[Status, str]


@dataclass(frozen=True)
class Way:
    """An action by which data may leave, and the condition keys that keep it inside."""

    action: str
    way: str
    source: str
    bound: tuple[str, ...] = ()


@cache
def ways(kind: str) -> tuple[Way, ...]:
    """The ``writes`` or the ``opens`` of the table."""
    content = tomllib.loads((Path(__file__).parent / "exfiltration.toml").read_text())
    return tuple(Way(row["action"], row["way"], row["source"], tuple(row.get("bound", ()))) for row in content[kind])


def leaving(stack: Stack) -> Iterator[Finding]:
    """Yield a finding for each way out, and one for each role, endpoint and resource that has none."""
    for name in stack.principals:
        lines = [one for policy in stack.identity[name] for one in policy.statements]
        yield from _found(name, [one for line in lines for one in _by(stack, line, name)])
    for name, policy in stack.on_endpoints.items():
        yield from _found(
            name, [one for line in policy.statements for one in _writes(stack, line, "whoever passes it")]
        )
    for name, policies in stack.on_resources.items():
        if stack.names.type_of(name) != "AWS::IAM::Role":
            lines = [one for policy in policies for one in policy.statements]
            yield from _found(name, [one for line in lines for one in _open_to(stack, line)])


def _found(name: str, said: list[Said]) -> Iterator[Finding]:
    for status, text in dict.fromkeys(said):
        yield Finding(RULE, name, status, text)
    if not said:
        yield Finding(RULE, name, "pass", "no way found by which data leaves the stack")


def _by(stack: Stack, statement: Statement, name: str) -> Iterator[Said]:
    if statement.problem:
        yield "unknown", f"{statement} cannot be read: {statement.problem}"
        return
    yield from _writes(stack, statement, name)
    for way in ways("opens"):
        if statement.effect == "Allow" and statement.acts(way.action).possible and not _bound(statement, way.bound):
            asked = request(stack, principal=name, action=way.action, resource="*")
            if isinstance(asked, str) or answer(stack, asked).denied:
                continue
            fix = f"condition it on {' or '.join(way.bound)}, or take it away" if way.bound else "take it away"
            yield "open", f"{name} -> {way.action} ({statement}) {way.way}; {fix} (see {way.source})"


def _writes(stack: Stack, statement: Statement, name: str) -> Iterator[Said]:
    if statement.effect != "Allow":
        return
    for way in ways("writes"):
        if not statement.acts(way.action).possible or _own(stack, statement):
            continue
        for text in [one.value for one in statement.resources] if not statement.other_resources else ["*"]:
            status = _outside(stack, pattern(text), way.action.partition(":")[0])
            if status:
                yield (
                    status,
                    (
                        f"{name} -> {way.action} on {shown(text)} ({statement}) {way.way}, and it may belong to anybody; "
                        "name resources of the stack, or add the condition aws:ResourceAccount"
                    ),
                )


def _outside(stack: Stack, text: str, service: str) -> Status | None:
    """Whether a resource may be another account's: certainly possible, not known, or no."""
    parts = text.split(":", 5)
    if len(parts) == 6 and match(parts[2], service) is Match.NO:
        return None
    if stack.resource(text) is not None or stack.names.account in text:
        return None
    if len(parts) != 6 and has_tokens(text):
        return "unknown"
    if service == "s3" and len(parts) == 6 and len(parts[5].partition("/")[0]) == 1 and has_tokens(parts[5][:1]):
        return "unknown"  # a bucket whose name is a parameter
    return "open"


def _own(stack: Stack, statement: Statement) -> bool:
    """Whether the conditions ask for resources of this account or organization."""
    asked = [test.key.lower() for test in statement.tests if test.key.lower() in _OWNERS]
    foreign = Context(dict.fromkeys(_OWNERS, (OTHER,)))
    return bool(asked) and conditions(statement, foreign)[0] is Match.NO


def _bound(statement: Statement, keys: tuple[str, ...]) -> bool:
    """Whether a condition on one of these keys refuses a value that nobody chose."""
    wanted = {key.lower() for key in keys}
    for test in statement.tests:
        if test.key.lower() in wanted:
            values = (OTHER,) if test.operator.lower().removesuffix("ifexists") != "bool" else ("false",)
            if conditions(statement, Context({test.key.lower(): values}))[0] is Match.NO:
                return True
    return False


def _open_to(stack: Stack, statement: Statement) -> Iterator[Said]:
    """For whom outside a resource's policy is."""
    if statement.problem:
        yield "unknown", f"{statement} cannot be read: {statement.problem}"
        return
    if statement.effect != "Allow" or statement.principals is None:
        return
    own, bound = stack.names.account, kept_out(stack, statement, service=False) is Match.YES
    if statement.principals.others and not bound:
        yield "open", f"{statement} is for everybody but whom it names; name who may"
        return
    for kind, text in statement.principals.names:
        number = text.value.split(":")[4] if text.value.count(":") >= 5 else text.value
        if bound or kind in ("Service", "Federated") or number == own or text.value in stack.arns.values():
            continue
        if text.value == "*":
            yield "open", f"{statement} is for anybody; name who may, or add the condition aws:PrincipalAccount"
        elif has_tokens(number):
            yield "unknown", f"{statement} is for {text}, which may be of another account"
        else:
            yield "open", f"{statement} is for {text}, of another account; take it out, or say why it may"
