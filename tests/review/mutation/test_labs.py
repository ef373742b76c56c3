"""The rules and provers name what is made worse in the labs; here one mutant of each operator, ``make mutate`` has all."""

from __future__ import annotations

from collections.abc import Callable

from labkit.assembly import Assembly
from labkit.catalogue import find
from labkit.review.mutation import every_operator
from labkit.review.mutation.mutants import Mutant, mutants, sampled
from labkit.review.mutation.running import run
from labkit.review.mutation.score import scores

# Operators left to `make mutate`, where their mutants count: no engine but Guard, which is slow to start, names the sample.
UNSEEN = {
    "action-provider-unknown": "the list of CodePipeline's providers is in no table",
    "build-image-unknown": "the list of CodeBuild's images is in no table",
    "build-log-off": "a Guard rule names it",
    "build-privileged": "a Guard rule names it",
    "dashboard-broken": "nothing reads the body of a dashboard",
    "drop-approval": "a template does not say that its release wants an approval",
    "drop-artifact-encryption": "a Guard rule names it",
    "drop-job-stop": "a template does not say that its jobs run on while their network goes",
    "drop-roll-out": "a template does not say that its endpoint was meant to be updated in steps",
    "scaling-kind-wrong": "nothing compares the kind of a scaling policy with its settings",
}


def test_one_mutant_of_each_operator_is_named(synthesize: Callable[..., Assembly]) -> None:
    # GIVEN one place for each operator, in the smallest lab that has one
    assemblies = sorted(map(synthesize, find()), key=lambda one: len(one.template["Resources"]))
    chosen: list[Mutant] = []
    left = [one for one in every_operator() if one.id not in UNSEEN]
    for assembly in assemblies:
        found = sampled(mutants(assembly, left), 1)
        chosen += found
        left = [one for one in left if one.id not in {mutant.operator for mutant in found}]
    folders = {one.lab: one.folder for one in assemblies}

    # WHEN the engines that read templates look at them
    results = list(run(chosen, folders, processes=1))

    # THEN every one of them is named
    assert [str(one.mutant) for one in results if one.fate == "survived"] == []
    assert scores(results)[-1].mutants >= 150
    assert UNSEEN.keys() <= {one.id for one in every_operator()}
