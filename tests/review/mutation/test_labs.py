"""The rules and provers name what is made worse in the labs; here one mutant of each operator, ``make mutate`` has all."""

from __future__ import annotations

from collections.abc import Callable

from labkit.assembly import Assembly
from labkit.catalogue import find
from labkit.review.mutation import every_operator
from labkit.review.mutation.mutants import Mutant, mutants, sampled
from labkit.review.mutation.running import run
from labkit.review.mutation.score import scores

# Operators whose mutants no engine can name from a template alone; `make mutate` counts them as survivors.
UNSEEN: dict[str, str] = {}


def test_one_mutant_of_each_operator_is_named(synthesize: Callable[..., Assembly]) -> None:
    # GIVEN one place for each operator, in the smallest lab that has one
    assemblies = sorted(map(synthesize, find()), key=lambda one: len(one.template["Resources"]))
    chosen: list[Mutant] = []
    left = list(every_operator())
    for assembly in assemblies:
        found = sampled(mutants(assembly, left), 1)
        chosen += found
        left = [one for one in left if one.id not in {mutant.operator for mutant in found}]
    folders = {one.lab: one.folder for one in assemblies}

    # WHEN the engines that read templates look at them
    results = list(run(chosen, folders, processes=1))

    # THEN every one of them is named, but for those of which it is known why not
    survived = {one.mutant.operator: str(one.mutant) for one in results if one.fate == "survived"}
    assert survived.keys() <= UNSEEN.keys(), {name: survived[name] for name in survived.keys() - UNSEEN.keys()}
    assert scores(results)[-1].mutants >= 40
