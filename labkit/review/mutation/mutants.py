"""The mutants of a lab's template."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from labkit.assembly import Assembly
from labkit.review.mutation import Operator, every_operator
from labkit.review.mutation.kit.places import Path, Template, at, shown


@dataclass(frozen=True)
class Mutant:
    """One place of one lab's template, to be made worse by one operator.

    Args:
        lab: folder name of the lab.
        operator: id of the operator.
        site: the place.
        logical_id: of the resource; empty for an output.
        type: of the resource.
        place: the site as text, from the logical id on; what a resource waits for stands there by its name.
    """

    lab: str
    operator: str
    site: Path
    logical_id: str
    type: str
    place: str

    def __str__(self) -> str:
        return f"{self.lab} {self.operator} {self.place}"


def mutants(assembly: Assembly, operators: Iterable[Operator] | None = None) -> Iterator[Mutant]:
    """Yield every place of a lab's template with every operator that fits there."""
    template: Template = assembly.template
    for operator in every_operator() if operators is None else operators:
        for site in operator.sites(template):
            inside = site[0] == "Resources"
            logical_id = str(site[1]) if inside else ""
            type_ = str(template["Resources"][logical_id]["Type"]) if inside else "Output"
            yield Mutant(assembly.lab, operator.id, site, logical_id, type_, _place(template, site))


def _place(template: Template, site: Path) -> str:
    waits = site[2:3] == ("DependsOn",) and len(site) == 4
    return shown((*site[:3], at(template, site)) if waits else site)


def sampled(all_: Iterable[Mutant], of_each: int) -> list[Mutant]:
    """Choose some mutants of each operator, the same ones in every run, spread over labs and places."""
    by_operator: dict[str, list[Mutant]] = {}
    for mutant in all_:
        by_operator.setdefault(mutant.operator, []).append(mutant)
    return [
        one
        for found in by_operator.values()
        for one in sorted(found, key=lambda one: zlib.crc32(str(one).encode()))[:of_each]
    ]
