"""Policy documents as statements, each with the place where it stands; what cannot be read is said, not skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from labkit.review.provers.permission.matching import Match, match
from labkit.review.provers.permission.names import Names, Text
from labkit.review.provers.permission.symbols import has_tokens, is_exact, pattern, shown

_MOST_STATEMENTS = 2000


@dataclass(frozen=True)
class Test:
    """One line of a condition block: an operator on a key with its values."""

    operator: str
    key: str
    values: tuple[Text, ...]

    def __str__(self) -> str:
        return f"{self.operator} {self.key} = {', '.join(map(str, self.values))}"


@dataclass(frozen=True)
class Principals:
    """Who a statement is for: pairs of kind (``AWS``, ``Service`` ...) and name."""

    names: tuple[tuple[str, Text], ...]
    others: bool = False  # NotPrincipal: everybody else


@dataclass(frozen=True)
class Statement:
    """One statement. ``problem`` tells why it cannot be read; such a statement may allow or deny anything."""

    logical_id: str
    path: str
    effect: Literal["Allow", "Deny", ""] = ""
    sid: str = ""
    actions: tuple[Text, ...] = ()
    other_actions: bool = False
    resources: tuple[Text, ...] = ()
    other_resources: bool = False
    principals: Principals | None = None
    tests: tuple[Test, ...] = ()
    variables: bool = False  # the policy's version knows ${aws:username}
    sure: bool = True
    problem: str = ""

    def acts(self, action: str) -> Match:
        """Tell how far the statement is about an action, or about all that a pattern stands for."""
        asked = action.lower()
        found, others = Match.NO, [*self.patterns]
        if is_exact(asked):
            found = self.written.get(asked, Match.NO)  # no need to compare it with what is another name
        else:
            others += self.written.items()
        for named, most in others:
            found = max(found, min(match(named, asked), most))
        return found.otherwise() if self.other_actions else found

    @cached_property
    def written(self) -> dict[str, Match]:
        """The actions that are written out, and how certain it is that each is there."""
        found: dict[str, Match] = {}
        for named, most in self._actions():
            if is_exact(named):
                found[named] = max(most, found.get(named, Match.NO))
        return found

    @cached_property
    def patterns(self) -> list[tuple[str, Match]]:
        """The other actions, likewise."""
        return [(named, most) for named, most in self._actions() if not is_exact(named)]

    def _actions(self) -> Iterator[tuple[str, Match]]:
        return ((pattern(text.value.lower()), Match.YES if text.sure else Match.MAYBE) for text in self.actions)

    def __str__(self) -> str:
        sid = f" ({self.sid})" if self.sid else ""
        return f"{self.logical_id}.{self.path}{sid}"


@dataclass(frozen=True)
class Policy:
    """The statements of one document."""

    logical_id: str
    statements: tuple[Statement, ...] = field(default=())

    def about(self, action: str) -> tuple[Statement, ...]:
        """The statements that may be about an action, those that cannot be read among them; looked for once."""
        if action not in self._about:
            asked = action.lower()
            likely = self._broad if is_exact(asked) and asked not in self._written else self.statements
            self._about[action] = tuple(one for one in likely if one.problem or one.acts(action).possible)
        return self._about[action]

    @cached_property
    def _about(self) -> dict[str, tuple[Statement, ...]]:
        return {}

    @cached_property
    def _written(self) -> frozenset[str]:
        """The actions that some statement writes out."""
        return frozenset(action for one in self.statements for action in one.written)

    @cached_property
    def _broad(self) -> tuple[Statement, ...]:
        """The statements that may be about an action which none writes out."""
        return tuple(one for one in self.statements if one.problem or one.other_actions or one.patterns)


def read(names: Names, document: Any, *, logical_id: str, path: str, sure: bool = True) -> Policy:
    """Read a policy document that stands at a path of a resource. Never raises."""
    try:
        return Policy(logical_id, tuple(_statements(names, document, logical_id, path, sure)))
    except RecursionError:
        return Policy(logical_id, (Statement(logical_id, path, problem="nested too deeply to read"),))


def _statements(names: Names, document: Any, logical_id: str, path: str, sure: bool) -> Iterator[Statement]:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            yield Statement(logical_id, path, problem="a text that is no JSON")
            return
    branches = list(_branches(document, sure))
    for body, certain in branches:
        if not isinstance(body, dict) or "Statement" not in body:
            yield Statement(logical_id, path, problem=f"not a policy document but {_said(body)}")
            continue
        variables = "2012-10-17" in {text.value for text in names.texts(body.get("Version"))}
        given = body["Statement"]
        where = f"{path}.Statement"
        entries = (
            [(where, given)] if not isinstance(given, list) else [(f"{where}.{n}", v) for n, v in enumerate(given)]
        )
        if len(entries) > _MOST_STATEMENTS:
            yield Statement(logical_id, where, problem=f"{len(entries)} statements, more than are read")
            entries = entries[:_MOST_STATEMENTS]
        for place, entry in entries:
            for one, sure_here in _branches(entry, certain):
                for inner in one if isinstance(one, list) else [one]:
                    yield _statement(names, inner, logical_id, place, sure_here, variables)


def _branches(value: Any, sure: bool, depth: int = 0) -> Iterator[tuple[Any, bool]]:
    """Each value that Fn::If may choose, without AWS::NoValue."""
    if isinstance(value, dict) and len(value) == 1:
        chosen = value.get("Fn::If")
        if isinstance(chosen, list) and len(chosen) == 3 and depth < 20:
            for branch in chosen[1:]:
                yield from _branches(branch, False, depth + 1)
            return
        if value == {"Ref": "AWS::NoValue"}:
            return
    yield value, sure


def _statement(names: Names, body: Any, logical_id: str, path: str, sure: bool, variables: bool) -> Statement:
    if not isinstance(body, dict) or "Effect" not in body:
        return Statement(logical_id, path, problem=f"not a statement but {_said(body)}")
    effects = {text.value for text in names.texts(body["Effect"])}
    if len(effects) != 1 or not effects <= {"Allow", "Deny"}:
        said = ", ".join(sorted(shown(effect) for effect in effects)) or "nothing"
        return Statement(logical_id, path, problem=f"Effect is neither Allow nor Deny but {said}")
    if ("Action" in body) == ("NotAction" in body):
        return Statement(logical_id, path, problem="needs one of Action and NotAction")
    tests = _tests(names, body.get("Condition", {}))
    principals = _principals(names, body)
    if isinstance(tests, str) or isinstance(principals, str):
        problem = tests if isinstance(tests, str) else str(principals)
        return Statement(logical_id, path, problem=problem)
    effect: Literal["Allow", "Deny"] = "Allow" if effects == {"Allow"} else "Deny"
    return Statement(
        logical_id=logical_id,
        path=path,
        effect=effect,
        sid=" ".join(str(text) for text in names.texts(body.get("Sid"))),
        actions=tuple(names.texts(body.get("Action", body.get("NotAction")))),
        other_actions="NotAction" in body,
        resources=tuple(names.texts(body.get("Resource", body.get("NotResource")))),
        other_resources="NotResource" in body and "Resource" not in body,
        principals=principals,
        tests=tests,
        variables=variables,
        sure=sure,
    )


def _tests(names: Names, block: Any) -> tuple[Test, ...] | str:
    found = []
    for branch, sure in _branches(block, True):
        if not isinstance(branch, dict) or not sure:
            return (
                f"Condition is not a block but {_said(branch)}" if sure else "Condition depends on the template's own"
            )
        for operator, keys in branch.items():
            if not isinstance(keys, dict) or str(operator).startswith("Fn::"):
                return f"Condition.{operator} is not a block but {_said(keys)}"
            found += [Test(str(operator), str(key), tuple(names.texts(values))) for key, values in keys.items()]
    return tuple(found)


def _principals(names: Names, body: dict[Any, Any]) -> Principals | str | None:
    if "Principal" not in body and "NotPrincipal" not in body:
        return None
    others = "Principal" not in body
    given = body["NotPrincipal" if others else "Principal"]
    if isinstance(given, dict) and not any(str(key).startswith("Fn::") or key == "Ref" for key in given):
        found = tuple((str(kind), text) for kind, value in given.items() for text in names.texts(value))
    else:
        found = tuple(("*" if text.value == "*" else "AWS", text) for text in names.texts(given))
    if not found or any(has_tokens(kind) for kind, _ in found):
        return f"Principal names nobody: {_said(given)}"
    return Principals(found, others)


def _said(value: Any) -> str:
    try:
        return json.dumps(value, default=str)[:80]
    except (RecursionError, ValueError):
        return type(value).__name__
