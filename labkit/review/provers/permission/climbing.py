"""Finds how a role could get the permissions of another: a graph of who can become whom, and the ways through it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from labkit.review.provers.permission.asking import request
from labkit.review.provers.permission.decision import answer
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.permission.matching import Match, match
from labkit.review.provers.permission.principals import principal
from labkit.review.provers.permission.questions import Question
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.statements import Statement
from labkit.review.provers.permission.symbols import has_tokens, pattern, shown, token

RULE = "no-privilege-escalation"
TABLE = "permission-table"
ANYTHING = "any permission in the account"


@dataclass(frozen=True)
class Edge:
    """One principal can become another.

    Args:
        end: logical id of a role or user, or what else is gained.
        way: in words, with the statements that allow it.
        sure: whether the template alone tells.
        asked: pairs of action and resource that a row of the table must explain.
    """

    end: str
    way: str
    sure: bool
    asked: tuple[tuple[str, str], ...] = ()


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "escalation.toml").read_text())


class Graph:
    """Who can become whom in one template."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.edges: dict[str, list[Edge]] = {name: list(self._from(name)) for name in stack.principals}

    def paths(self, start: str) -> list[tuple[str, list[Edge]]]:
        """The shortest way from a principal to each other that it can become."""
        found: dict[str, list[Edge]] = {}
        queue: list[tuple[str, list[Edge]]] = [(start, [])]
        while queue:
            name, trail = queue.pop(0)
            for edge in self.edges.get(name, ()):
                if edge.end not in found and edge.end != start:
                    found[edge.end] = [*trail, edge]
                    queue.append((edge.end, found[edge.end]))
        return list(found.items())

    def _from(self, name: str) -> Iterator[Edge]:
        if not any(one.effect == "Allow" for policy in self._stack.identity[name] for one in policy.statements):
            return
        for row in _table()["rewrites"]:
            if decided := self._can(name, row["action"]):
                yield Edge(ANYTHING, f"{row['action']} ({decided[1]}): {row['way']} (see {row['source']})", decided[0])
        yield from self._by_passing(name)
        yield from self._by_using(name)
        yield from self._by_assuming(name)

    def _by_passing(self, name: str) -> Iterator[Edge]:
        passes = self._allowing(name, "iam:PassRole")
        if not passes:
            return
        roles = {self._stack.arns[role]: role for role in self._stack.of("AWS::IAM::Role")}
        elsewhere = dict.fromkeys(text.value for one in passes for text in one.resources if text.value not in roles)
        for row in _table()["passes"]:
            starts = [(action, found) for action in row["actions"] if (found := self._can(name, action))]
            if not starts:
                continue
            action, (sure, starting) = starts[0]
            for arn, role in roles.items():
                passing = self._can(name, "iam:PassRole", role, {"iam:PassedToService": row["service"]})
                if passing and self._trusts(role, row["service"]):
                    way = f"iam:PassRole to {row['service']} ({passing[1]}) and {action} ({starting})"
                    yield Edge(role, way, sure and passing[0], (("iam:PassRole", arn), (action, "")))
            for text in elsewhere:
                arn = text if text.startswith("arn:") and "*" not in text else self._any_role(text)
                passing = self._can(name, "iam:PassRole", arn, {"iam:PassedToService": row["service"]})
                if passing:
                    end = ANYTHING if "*" in text else f"the permissions of {shown(text)}, which is not in the template"
                    way = f"iam:PassRole on {shown(text)} to {row['service']} ({passing[1]}) and {action} ({starting})"
                    yield Edge(end, way, sure and passing[0])

    def _by_using(self, name: str) -> Iterator[Edge]:
        for row in _table()["uses"]:
            if not self._allowing(name, row["action"]):
                continue
            for resource in self._stack.of(row["type"]):
                role = self._role_of(resource, row["role"])
                found = self._can(name, row["action"], resource) if role else None
                if role and found and role != name:
                    way = f"{row['action']} on {resource} ({found[1]}): {row['way']} (see {row['source']})"
                    yield Edge(role, way, found[0], ((row["action"], self._stack.arns[resource]),))

    def _by_assuming(self, name: str) -> Iterator[Edge]:
        for role in self._open:
            asked = request(self._stack, principal=name, action="sts:AssumeRole", resource=role)
            if role == name or isinstance(asked, str):
                continue
            decision = answer(self._stack, asked)
            if not decision.denied:
                way = f"sts:AssumeRole ({', '.join(decision.statements)})"
                yield Edge(role, way, decision.allowed, (("sts:AssumeRole", self._stack.arns[role]),))
        for one in self._allowing(name, "sts:AssumeRole"):
            for text in one.resources:
                if "*" in text.value and self._can(name, "sts:AssumeRole", self._any_role(text.value)):
                    way = f"sts:AssumeRole on {text} ({one}): every role that trusts the account"
                    yield Edge(ANYTHING, way, True)

    def _can(
        self,
        name: str,
        action: str,
        resource: str = "*",
        context: Mapping[str, str] | None = None,
    ) -> tuple[bool, str] | None:
        """Whether certainly, and by which statement; ``None`` if denied."""
        if not self._allowing(name, action):
            return None
        asked = request(self._stack, principal=name, action=action, resource=resource, context=context)
        if isinstance(asked, str):
            return None
        decision = answer(self._stack, asked)
        if decision.denied:
            return None
        sure = decision.allowed or decision.partly or decision.here
        return sure, decision.statements[0] if decision.statements else "?"

    def _allowing(self, name: str, action: str) -> list[Statement]:
        """The statements that allow a principal an action on something: asked first, since it costs little."""
        return [
            one
            for policy in self._stack.identity[name]
            for one in policy.about(action)
            if one.effect == "Allow" and not one.problem
        ]

    @cached_property
    def _open(self) -> list[str]:
        """The roles that a role or user of the template may assume: all but those that trust services alone."""
        return [role for role in self._stack.of("AWS::IAM::Role") if not self._is_for_services(role)]

    def _is_for_services(self, role: str) -> bool:
        """Whether a role is of this account, only its own policy speaks of it, and that lets in services alone."""
        arn = self._stack.arns[role]
        return (
            self._stack.holders(pattern(arn)) == ((role, Match.YES),)
            and arn.split(":")[4:5] == [self._stack.names.account]
            and all(
                one.principals
                and not one.principals.others
                and all(kind == "Service" for kind, _ in one.principals.names)
                for policy in self._stack.on_resources[role]
                for one in policy.statements
            )
        )

    def _trusts(self, role: str, service: str) -> bool:
        for policy in self._stack.on_resources.get(role, ()):
            for one in policy.statements:
                names = one.principals.names if one.principals else ()
                if one.problem or any(kind == "Service" and _same(text.value, service) for kind, text in names):
                    return True
        return False

    def _role_of(self, resource: str, path: str) -> str | None:
        value: Any = self._stack.names.properties(resource)
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        texts = self._stack.names.texts(value) if value is not None else []
        for text in texts:
            for profile in self._stack.of("AWS::IAM::InstanceProfile") if path == "IamInstanceProfile" else ():
                if text.value in (self._stack.arns[profile], self._stack.arns[profile].rpartition("/")[2]):
                    return self._role_of(profile, "Roles")
            for role in self._stack.of("AWS::IAM::Role"):
                if text.value in (self._stack.arns[role], self._stack.arns[role].rpartition("/")[2]):
                    return role
        return None

    def _any_role(self, text: str) -> str:
        """A role that nobody knows, of the form that a pattern asks for."""
        if not text.startswith("arn:"):
            names = self._stack.names
            return f"arn:{names.partition}:iam::{names.account}:role/" + token("generated", "another role")
        return text.replace("*", token("generated", "another role"))


def climbing(stack: Stack, graph: Graph, reasons: Iterable[Question] | None) -> Iterator[Finding]:
    """Yield a finding for each principal that can become what it should not, and one for each that cannot.

    Args:
        stack: the template.
        graph: who can become whom in it.
        reasons: what the lab's table says may be; ``None``: it has no table.
    """
    rows = list(reasons or ())
    for name in stack.principals:
        bad, fine = [], []
        for end, trail in graph.paths(name):
            text, sure = told(name, trail), all(edge.sure for edge in trail)
            if end not in stack.names.resources:
                bad.append(Finding(RULE, name, "open" if sure else "unknown", f"{text}. {_FIX}"))
            elif len(trail) > 1 or _explained(rows, name, trail[0]):
                fine.append(end)  # a longer way inside the stack is judged at each of its roles
            elif reasons is None:
                bad.append(Finding(RULE, name, "unknown", f"{text}. {_MEANT}", level="warning"))
            else:
                bad.append(Finding(RULE, name, "open" if sure else "unknown", f"{text}. {_FIX}"))
        unread = [one for p in stack.identity[name] for one in p.statements if one.problem]
        bad += [Finding(RULE, name, "unknown", f"{one} cannot be read: {one.problem}") for one in unread]
        yield from bad
        if not bad:
            yield Finding(RULE, name, "pass", f"only as the table says: {', '.join(fine)}" if fine else "no way found")


def indirect(stack: Stack, graph: Graph, questions: Iterable[Question]) -> Iterator[Finding]:
    """Yield a finding for each request that a row forbids and that a principal can make as somebody else."""
    for one in questions:
        name = one.asked.who.logical_id
        for end, trail in graph.paths(name) if name else ():
            if end not in stack.names.resources:
                continue
            who = principal(stack, end)
            decision = answer(stack, replace(one.asked, who=who)) if who else None
            if decision is not None and not decision.denied:
                sure = all(edge.sure for edge in trail) and (decision.allowed or decision.partly or decision.here)
                text = f"{one} must be denied, and is possible in a roundabout way: {told(name, trail)}: {decision}"
                yield Finding(TABLE, name, "open" if sure else "unknown", f"{text}. {_FIX}", one.row.because)


def told(name: str, trail: Iterable[Edge]) -> str:
    """A way as a text."""
    return f"{name} -> " + " -> ".join(f"{edge.way} -> {edge.end}" for edge in trail)


_FIX = "Take one step of the way away: name resources, bind iam:PassRole to a role and a service, drop the action"
_MEANT = "Whether that is meant, a row of permissions.toml would tell"


def _explained(rows: list[Question], name: str, edge: Edge) -> bool:
    """Whether rows of the table say that a principal may do each step."""
    for action, arn in edge.asked:
        for one in rows:
            if one.asked.who.logical_id != name or match(one.asked.action.lower(), action.lower()) is not Match.YES:
                continue
            if not arn or match(one.asked.resource, pattern(arn)) is Match.YES:
                break
        else:
            return False
    return bool(edge.asked)


def _same(text: str, service: str) -> bool:
    return text.removesuffix(".cn") == service or (has_tokens(text) and match(text, service).possible)
