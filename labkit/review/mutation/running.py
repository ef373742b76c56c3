"""Runs mutants on several processes and gathers what came out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Literal

from labkit.assembly import Assembly
from labkit.review.errors import EngineFailed
from labkit.review.evidence import Evidence
from labkit.review.mutation import every_operator
from labkit.review.mutation.asking import Judge
from labkit.review.mutation.equivalents import why_equivalent
from labkit.review.mutation.mutants import Mutant

Fate = Literal["named", "survived", "equivalent"]
_SHARE = 25


@dataclass(frozen=True)
class Result:
    """What became of a mutant.

    Args:
        mutant: which one.
        fate: ``named`` by an engine, ``survived``, or ``equivalent`` and not named.
        engine: that named it.
        rule: of the engine.
        told: the row's evidence, or why it is equivalent.
    """

    mutant: Mutant
    fate: Fate
    engine: str = ""
    rule: str = ""
    told: str = ""

    @property
    def breaks(self) -> str:
        """What the operator breaks."""
        return next(one.breaks for one in every_operator() if one.id == self.mutant.operator)


def result_of(mutant: Mutant, row: Evidence | None) -> Result:
    """What became of a mutant, from the row that names it."""
    if row is not None:
        return Result(mutant, "named", row.engine, row.rule, row.evidence)
    why = why_equivalent(mutant)
    return Result(mutant, "equivalent" if why else "survived", told=why)


@cache
def _judge(folder: Path) -> Judge:
    """A process judges many mutants of a lab and asks about the original once."""
    return Judge(Assembly.read(folder))


def judged(folder: Path, mutants: Sequence[Mutant]) -> list[Result]:
    """Judge some mutants of one lab."""
    judge = _judge(folder)
    return [_judged(judge, mutant) for mutant in mutants]


def _judged(judge: Judge, mutant: Mutant) -> Result:
    try:
        return result_of(mutant, judge.named_by(mutant))
    except EngineFailed as error:
        return Result(mutant, "survived", told=str(error))


def run(mutants: Sequence[Mutant], folders: dict[str, Path], *, processes: int) -> Iterator[Result]:
    """Yield what became of each mutant, in their order.

    Args:
        mutants: sorted by lab.
        folders: each lab with its assembly.
        processes: how many work at a time; 1 starts none.
    """
    shares = list(_shares(mutants))
    if processes == 1:
        for share in shares:
            yield from judged(folders[share[0].lab], share)
        return
    with ProcessPoolExecutor(processes) as pool:
        for results in pool.map(judged, [folders[share[0].lab] for share in shares], shares):
            yield from results


def _shares(mutants: Sequence[Mutant]) -> Iterator[list[Mutant]]:
    for _, ones in groupby(mutants, key=lambda one: one.lab):
        of_lab = list(ones)
        for start in range(0, len(of_lab), _SHARE):
            yield of_lab[start : start + _SHARE]
