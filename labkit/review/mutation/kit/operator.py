"""An operator: one way to make a template worse, and the places where it fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from labkit.review.mutation.kit.places import Path, Template, at, changed, dropped, found

Breaks = Literal["security", "deployment", "removal"]
Sites = Callable[[Template], Iterable[Path]]
Apply = Callable[[Template, Path], Template]
Wanted = Callable[[Any], bool]


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One way to make a template worse.

    Args:
        id: lower-case words joined by hyphens.
        title: what the mutant lacks or allows.
        breaks: what suffers: ``security``, ``deployment`` (including first use) or ``removal``.
        sites: every place of a template where it fits.
        apply: returns the template with one place changed; the original stays as it is.
    """

    id: str
    title: str
    breaks: Breaks
    sites: Sites
    apply: Apply

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", self.id):
            raise ValueError(f"operator id {self.id!r}: lower-case words joined by hyphens")


def places(*patterns: str, where: Wanted = lambda value: True) -> Sites:
    """Sites at some patterns (see ``places.found``) where what stands there is wanted."""

    def sites(template: Template) -> Iterator[Path]:
        for pattern in patterns:
            for path in found(template, pattern):
                if where(at(template, path)):
                    yield path

    return sites


def drops(id: str, title: str, breaks: Breaks, *patterns: str, where: Wanted = lambda value: True) -> Operator:
    """An operator that takes away what stands at some patterns."""
    return Operator(id=id, title=title, breaks=breaks, sites=places(*patterns, where=where), apply=dropped)


def sets(
    id: str,
    title: str,
    breaks: Breaks,
    *patterns: str,
    to: Any,
    where: Wanted = lambda value: True,
) -> Operator:
    """An operator that puts another value, or what a function makes of the value, at some patterns.

    A place where that changes nothing is no site.
    """
    change = to if callable(to) else lambda _: to

    def wanted(value: Any) -> bool:
        return where(value) and change(value) != value

    return Operator(
        id=id,
        title=title,
        breaks=breaks,
        sites=places(*patterns, where=wanted),
        apply=lambda template, path: changed(template, path, change),
    )


def adds(id: str, title: str, breaks: Breaks, *types: str, to: Callable[[dict[str, Any]], dict[str, Any]]) -> Operator:
    """An operator that changes the properties of resources of some types."""
    return sets(id, title, breaks, *(f"{type_} Properties" for type_ in types), to=to)


def removes(id: str, title: str, breaks: Breaks, *types: str) -> Operator:
    """An operator that takes away whole resources of some types, and what depends on them by name alone."""
    return Operator(id=id, title=title, breaks=breaks, sites=places(*types), apply=without)


def without(template: Template, path: Path) -> Template:
    """The template without a resource. ``DependsOn`` no longer names it; references to it would dangle."""
    gone = path[1]
    resources = {}
    for name, body in template["Resources"].items():
        if name == gone:
            continue
        needed = body.get("DependsOn", [])
        needed = [needed] if isinstance(needed, str) else needed
        resources[name] = {**body, "DependsOn": [one for one in needed if one != gone]} if gone in needed else body
    return {**template, "Resources": resources}


def with_resource(template: Template, logical_id: str, type_: str, **properties: Any) -> Template:
    """The template with one resource more."""
    body = {"Type": type_, "Properties": properties}
    return {**template, "Resources": {**template["Resources"], logical_id: body}}
