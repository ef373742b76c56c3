"""What refers to what in a template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.review.mutation.kit.places import Path, Template, items
from stacks.rules.kit.values import references


def referring(value: Any, trail: Path = ()) -> Iterator[tuple[Path, str, str]]:
    """Yield (path of the function, ``Ref`` or ``Fn::GetAtt``, logical id) of every reference within a value."""
    if isinstance(value, dict) and len(value) == 1:
        name, argument = next(iter(value.items()))
        if name == "Ref" and isinstance(argument, str):
            yield trail, name, argument
            return
        if name == "Fn::GetAtt" and isinstance(argument, list):
            yield trail, name, str(argument[0])
            return
    for step, inner in items(value):
        if isinstance(inner, (dict, list)):
            yield from referring(inner, (*trail, step))


def needs(template: Template) -> dict[str, set[str]]:
    """Each resource with the resources that CloudFormation makes before it, by reference or by ``DependsOn``."""
    resources = template["Resources"]
    return {
        name: (references(body.get("Properties", {})) | set(depends_on(body))) & resources.keys()
        for name, body in resources.items()
    }


def depends_on(body: dict[str, Any]) -> list[str]:
    """What a resource's ``DependsOn`` names."""
    given = body.get("DependsOn", [])
    return [given] if isinstance(given, str) else list(given)


def reaches(graph: dict[str, set[str]], start: str, end: str, *, but: tuple[str, str] = ("", "")) -> bool:
    """Whether a way leads from one resource to another that does not use one step."""
    seen, waiting = {start}, [start]
    while waiting:
        current = waiting.pop()
        for following in graph[current] - seen:
            if (current, following) != but:
                if following == end:
                    return True
                seen.add(following)
                waiting.append(following)
    return False
