"""Finds in Python source which AWS APIs it calls, without running it; what it cannot tell it says."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_MAKERS = ("client", "resource")
_NO_CALLS = ("exceptions", "meta", "close", "can_paginate", "generate_presigned_url", "generate_presigned_post")
_HELD_BY = ("get_paginator", "get_waiter")
# Names by which code calls a session that it was given.
_SESSIONS = ("session", "boto3", "boto_session", "boto3_session", "_session")


@dataclass(frozen=True)
class Call:
    """One client that code makes, or one operation that it calls.

    Args:
        client: boto3's name of the service; empty when only running the code would tell.
        operation: such as ``invoke_endpoint``; empty when a client is made and what it is used for is not seen.
        place: file and line.
        region: the region that the client names, if it names one.
    """

    client: str
    operation: str
    place: str
    region: str = ""


@dataclass(frozen=True)
class Reading:
    """What was read of some code: its calls, why there may be others, and whether it names a VpcConfig."""

    calls: tuple[Call, ...] = ()
    doubts: tuple[str, ...] = ()
    names_network: bool = False


@cache
def clients() -> Mapping[str, Any]:
    """The table of clients, operations and libraries."""
    return tomllib.loads((Path(__file__).parent / "clients.toml").read_text(encoding="utf-8"))


def read_source(source: str, name: str) -> Reading:
    """Read one file."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Reading(doubts=(f"{name} is not readable as Python",))
    try:
        return _File(tree, name).reading()
    except RecursionError:
        return Reading(doubts=(f"{name} is nested too deeply to read",))


class _File:
    """One module; names are followed without regard to the order in which it runs."""

    def __init__(self, tree: ast.Module, name: str) -> None:
        self._name = name
        self._nodes = list(ast.walk(tree))
        self._imported: dict[str, str] = {}
        self._texts: dict[str, set[str]] = {}
        self._clients: dict[str, set[tuple[str, str]]] = {}
        self._sessions: set[str] = set()
        self._import()
        self._assign()

    def reading(self) -> Reading:
        found: dict[Call, None] = {}
        for node in self._nodes:
            if isinstance(node, ast.Attribute):
                for client, region in sorted(self._of(node.value)):
                    for operation in self._operations(node, client):
                        found[Call(client, operation, self._at(node), region)] = None
        used = {call.client for call in found}
        for node in self._nodes:
            if isinstance(node, ast.Call):
                for client, region in sorted(self._made(node)):
                    if client not in used or not client:
                        found[Call(client, "", self._at(node), region)] = None
        return Reading(tuple(found), tuple(self._doubts()), self._names_network())

    def _names_network(self) -> bool:
        return any(
            (isinstance(node, ast.Constant) and node.value == "VpcConfig")
            or (isinstance(node, ast.keyword) and node.arg in ("VpcConfig", "vpc_config"))
            for node in self._nodes
        )

    def _at(self, node: ast.AST) -> str:
        return f"{self._name}:{getattr(node, 'lineno', 1)}"

    def _import(self) -> None:
        for node in self._nodes:
            if isinstance(node, ast.Import):
                for one in node.names:
                    self._imported[one.asname or one.name.split(".")[0]] = (
                        one.name if one.asname else one.name.split(".")[0]
                    )
                    self._imported.setdefault(one.name, one.name)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for one in node.names:
                    self._imported[one.asname or one.name] = f"{node.module}.{one.name}"

    def _assign(self) -> None:
        """Follow texts first, then sessions, then clients, each through plain assignments."""
        pairs = list(self._assignments())
        for name, value in pairs:
            for text in self._written(value):
                self._texts.setdefault(name, set()).add(text)
        for _ in range(3):
            for name, value in pairs:
                if isinstance(value, ast.Call) and self._path(value.func) in ("boto3.Session", "boto3.session.Session"):
                    self._sessions.add(name)
                for one in self._of(value):
                    self._clients.setdefault(name, set()).add(one)

    def _assignments(self) -> Iterator[tuple[str, ast.expr]]:
        for node in self._nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, (ast.Tuple, ast.List)) and isinstance(node.value, (ast.Tuple, ast.List)):
                        for one, value in zip(target.elts, node.value.elts, strict=False):
                            yield _name(one), value
                    else:
                        yield _name(target), node.value
            elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
                yield _name(node.target), node.value
            elif isinstance(node, (ast.For, ast.comprehension)) and isinstance(
                node.iter, (ast.Tuple, ast.List, ast.Set)
            ):
                for item in node.iter.elts:
                    yield _name(node.target), item
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                yield _name(node.optional_vars), node.context_expr
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return) and inner.value is not None:
                        yield f"{node.name}()", inner.value
                given = node.args.args[len(node.args.args) - len(node.args.defaults) :]
                for argument, default in zip(given, node.args.defaults, strict=True):
                    yield argument.arg, default

    def _written(self, value: ast.expr) -> Iterator[str]:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value
        elif isinstance(value, ast.IfExp):
            yield from self._written(value.body)
            yield from self._written(value.orelse)
        elif isinstance(value, (ast.Name, ast.Attribute)):
            yield from self._texts.get(_name(value), ())

    def _of(self, node: ast.expr) -> set[tuple[str, str]]:
        """The clients that an expression may be."""
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self._clients.get(_name(node), set())
        if isinstance(node, ast.Call):
            made = self._made(node)
            return made or self._clients.get(f"{_name(node.func).rpartition('.')[2]}()", set())
        return set()

    def _made(self, node: ast.Call) -> set[tuple[str, str]]:
        """The clients that a call makes; one without a name when only running it would tell."""
        path = self._path(node.func)
        base, _, maker = path.rpartition(".")
        if maker not in _MAKERS or not self._is_session(base, node.func):
            return set()
        argument = next((one.value for one in node.keywords if one.arg == "service_name"), None)
        first = node.args[0] if node.args else argument
        names = set(self._written(first)) if first is not None else set()
        region = next((one.value for one in node.keywords if one.arg == "region_name"), None)
        regions = set(self._written(region)) if region is not None else set()
        place = next(iter(regions)) if len(regions) == 1 else ""
        return {(name, place) for name in names} or {("", "")}

    def _is_session(self, base: str, node: ast.expr) -> bool:
        if base in ("boto3", "boto3.session") or base in self._sessions:
            return True
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
            return self._path(node.value.func) in ("boto3.Session", "boto3.session.Session")
        return base.rpartition(".")[2] in _SESSIONS and "boto3" in {
            one.split(".")[0] for one in self._imported.values()
        }

    def _path(self, node: ast.expr) -> str:
        """The dotted name of an expression with imports resolved."""
        name = _name(node)
        first, dot, rest = name.partition(".")
        return f"{self._imported.get(first, first)}{dot}{rest}"

    def _operations(self, node: ast.Attribute, client: str) -> Iterator[str]:
        if node.attr in _NO_CALLS or node.attr.startswith("__"):
            return
        if node.attr not in _HELD_BY:
            yield node.attr
            return
        for call in self._nodes:
            if isinstance(call, ast.Call) and call.func is node:
                given = list(self._written(call.args[0])) if call.args else []
                for name in given or [""]:
                    yield str(clients()["waiters"].get(f"{client}.{name}", "")) if node.attr == "get_waiter" else name

    def _doubts(self) -> Iterator[str]:
        table = clients()["libraries"]
        for path in sorted(set(self._imported.values())):
            if any(path == one or path.startswith(f"{one}.") for one in (*table["names"], *table["parts"])):
                yield f"{self._name} uses {path}, which calls AWS by itself"
        for node in self._nodes:
            if isinstance(node, ast.Call) and self._path(node.func).startswith(("subprocess.", "os.system")):
                words = [
                    one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
                ]
                if any(word == "aws" or word.startswith("aws ") for word in words):
                    yield f"{self._at(node)} runs the AWS command line"


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _name(node.value)
        return f"{inner}.{node.attr}" if inner else node.attr
    return ""
