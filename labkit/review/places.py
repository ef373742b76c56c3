"""Where in the sources a resource comes from."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path


@cache
def made_at(source: Path) -> dict[str, int]:
    """Line of each construct that a stack's file makes, by the beginning of its id.

    Args:
        source: ``stack.py`` of a lab.
    """
    found: dict[str, int] = {}
    try:
        tree = ast.parse(source.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return found
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) >= 2 and getattr(node.args[0], "id", "") == "self":
            name = _beginning(node.args[1])
            if name:
                found.setdefault(name, node.lineno)
        elif isinstance(node, ast.ClassDef):
            found[""] = node.lineno
    return found


def line_of(source: Path, path: str) -> int:
    """The line that makes the outermost construct of a path below the stack, or where the stack begins.

    What a pattern makes beside its construct, such as ``ModelRole`` beside ``Model``, is found by the longest beginning.
    """
    lines = made_at(source)
    first = path.split("/")[0]
    name = max((name for name in lines if first.startswith(name)), key=len, default="")
    return lines.get(name, 1)


@cache
def declared_at(template: Path) -> dict[str, int]:
    """Line of each resource in a template's file, JSON or YAML."""
    found: dict[str, int] = {}
    inside, depth = False, -1
    for number, line in enumerate(template.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        match = re.match(r"^(\s*)[\"']?([A-Za-z0-9]+)[\"']?\s*:", line)
        if not match:
            continue
        indent, name = len(match[1]), match[2]
        if not inside:
            inside, depth = name == "Resources", -1
            top = indent
        elif indent <= top:
            inside = False
        else:
            depth = indent if depth < 0 else depth
            if indent == depth:
                found[name] = number
    return found


def _beginning(id: ast.expr) -> str:
    """The literal text with which a construct's id begins."""
    if isinstance(id, ast.Constant) and isinstance(id.value, str):
        return id.value
    if isinstance(id, ast.JoinedStr) and id.values and isinstance(id.values[0], ast.Constant):
        return str(id.values[0].value)
    return ""
