"""Operators on JSON that stands as text in a template: jobs in pipeline definitions, state machines, environments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from labkit.review.mutation.kit.operator import Breaks, Operator
from labkit.review.mutation.kit.places import Path, Template, at, items, put


def replaces(id: str, title: str, breaks: Breaks, *patterns: tuple[str, str]) -> Operator:
    """An operator that replaces one match of a regular expression in one text; each match is a site.

    Args:
        id: of the operator.
        title: what the mutant lacks or allows.
        breaks: what suffers.
        patterns: regular expressions, each with what stands for a match.
    """

    def sites(template: Template) -> Iterator[Path]:
        for path, text in texts(template["Resources"], ("Resources",)):
            for which, (pattern, _) in enumerate(patterns):
                for number, _match in enumerate(re.finditer(pattern, text)):
                    yield (*path, which, number)

    def apply(template: Template, path: Path) -> Template:
        *trail, which, number = path
        place = tuple(trail)
        pattern, new = patterns[int(which)]
        text = at(template, place)
        match = list(re.finditer(pattern, text))[int(number)]
        mutant: Template = put(template, place, text[: match.start()] + match.expand(new) + text[match.end() :])
        return mutant

    return Operator(id=id, title=title, breaks=breaks, sites=sites, apply=apply)


def texts(value: Any, trail: Path) -> Iterator[tuple[Path, str]]:
    """Yield every text within a value that may hold JSON, with its path."""
    if isinstance(value, str):
        if '"' in value:
            yield trail, value
        return
    for name, inner in items(value):
        yield from texts(inner, (*trail, name))
