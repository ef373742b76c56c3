"""The statements of every policy in a template."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from labkit.review.mutation.kit.operator import Breaks, Operator
from labkit.review.mutation.kit.places import Path, Template, at, changed, items

Statement = dict[str, Any]


def statements(template: Template) -> Iterator[tuple[Path, Statement]]:
    """Yield every statement with its path."""
    for logical_id, body in template["Resources"].items():
        yield from _within(body.get("Properties", {}), ("Resources", logical_id, "Properties"))


def _within(value: Any, trail: Path) -> Iterator[tuple[Path, Statement]]:
    if isinstance(value, dict) and "Effect" in value and ("Action" in value or "NotAction" in value):
        yield trail, value
        return
    for name, inner in items(value):
        if isinstance(inner, (dict, list)):
            yield from _within(inner, (*trail, name))


def allows(statement: Statement) -> bool:
    """Whether a statement allows."""
    return bool(statement["Effect"] == "Allow")


def rewrites(
    id: str,
    title: str,
    breaks: Breaks,
    *,
    to: Callable[[Statement], Statement],
    where: Callable[[Statement], bool] = allows,
) -> Operator:
    """An operator that rewrites statements; where that changes nothing is no site."""

    def sites(template: Template) -> Iterator[Path]:
        for path, statement in statements(template):
            if where(statement) and _plain(to(statement)) != _plain(statement):
                yield path

    def apply(template: Template, path: Path) -> Template:
        mutant: Template = changed(template, path, to)
        return mutant

    return Operator(id=id, title=title, breaks=breaks, sites=sites, apply=apply)


def _plain(statement: Statement) -> Statement:
    """A statement in which one text and a list of one text look the same."""
    plain = {key: [value] if isinstance(value, (str, dict)) else value for key, value in statement.items()}
    return plain | ({"Principal": "*"} if statement.get("Principal") in ("*", {"AWS": "*"}) else {})


def as_list(value: Any) -> list[Any]:
    """One item, or a list of items, as a list."""
    return list(value) if isinstance(value, list) else [value]


def statement_at(template: Template, path: Path) -> Statement:
    """The statement at a path."""
    found: Statement = at(template, path)
    return found
