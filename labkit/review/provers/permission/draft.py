"""Drafts a table from what a template allows, with the reasons left to write: a table without them is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from labkit.review.lab import Lab
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.statements import Statement
from labkit.review.provers.permission.symbols import has_tokens, shown

_ROW = """[[may]]
who = {who}
{through}do = {do}
on = {on}
{when}because = ""
"""


def draft(lab: Lab) -> str:
    """Return rows for everything that the lab's policies allow, to be cut, joined and explained by a person."""
    stack = Stack(lab.assembly.template, region=lab.assembly.region, partition=lab.assembly.partition)
    place = _Places(lab, stack)
    rows: list[str] = []
    for name in stack.principals:
        for statement in (one for policy in stack.identity[name] for one in policy.statements):
            rows += _rows(place, statement, place.of(name), [place.text(one.value) for one in statement.resources])
    for name, policies in stack.on_resources.items():
        for statement in (one for policy in policies for one in policy.statements):
            for _, who in statement.principals.names if statement.principals else ():
                root = who.value.endswith(":root") and not who.value.split(":")[4].isdigit()
                rows += _rows(place, statement, "account" if root else place.text(who.value), [place.of(name)])
    for name, policy in stack.on_endpoints.items():
        for statement in policy.statements:
            on = [place.text(one.value) for one in statement.resources]
            rows += _rows(place, statement, "*", on, through=place.of(name))
    return "\n".join(dict.fromkeys(rows))


def _rows(place: _Places, statement: Statement, who: str, on: list[str], *, through: str = "") -> Iterator[str]:
    if statement.effect != "Allow" or statement.problem:
        return
    when = ", ".join(
        f'"{test.key}" = {_listed([place.text(v.value) for v in test.values])}' for test in statement.tests
    )
    yield _ROW.format(
        who=_listed([who]),
        through=f'through = "{through}"\n' if through else "",
        do=_listed([shown(action.value) for action in statement.actions]),
        on=_listed(on),
        when=f"when = {{ {when} }}\n" if when else "",
    )


class _Places:
    """Writes ARNs as the construct paths of a lab."""

    def __init__(self, lab: Lab, stack: Stack) -> None:
        self._paths = lab.assembly.paths
        self._stack = stack
        self._arns = sorted(
            ((arn, name) for name, arn in stack.arns.items() if has_tokens(arn)), key=lambda x: -len(x[0])
        )

    def of(self, logical_id: str) -> str:
        return self._paths.get(logical_id, logical_id).removesuffix("/Default")

    def text(self, value: str) -> str:
        for arn, name in self._arns:
            if value == arn or value.startswith((f"{arn}/", f"{arn}:")):
                return self.of(name) + value.removeprefix(arn)
        text = shown(value)
        for part, name in ((self._stack.names.partition, "Partition"), (self._stack.names.region, "Region")):
            text = re.sub(rf"(?<=[:.-]){re.escape(part)}(?=[:.-])", f"${{AWS::{name}}}", text) if ":" in text else text
        return text


def _listed(items: list[Any]) -> str:
    quoted = [f'"{item}"' for item in items]
    return quoted[0] if len(quoted) == 1 else f"[{', '.join(quoted)}]"
