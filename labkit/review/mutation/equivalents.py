"""Which mutants are no worse than the original, and why."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from labkit.review.mutation import every_operator
from labkit.review.mutation.mutants import Mutant

FILE = Path(__file__).parent / "equivalent.toml"
_FIELDS = {"operators", "labs", "types", "places", "because"}


@dataclass(frozen=True)
class Equivalent:
    """Mutants that are no worse than the original.

    Args:
        operators: ids, with wildcards.
        labs: folder names, with wildcards; default: all.
        types: resource types, with wildcards; default: all.
        places: places from the logical id on, with wildcards; default: all.
        because: why nothing is worse.
    """

    operators: tuple[str, ...]
    because: str
    labs: tuple[str, ...] = ("*",)
    types: tuple[str, ...] = ("*",)
    places: tuple[str, ...] = ("*",)

    def covers(self, mutant: Mutant) -> bool:
        """Whether a mutant is one of them."""
        told = (
            (mutant.operator, self.operators),
            (mutant.lab, self.labs),
            (mutant.type, self.types),
            (mutant.place, self.places),
        )
        return all(any(fnmatchcase(value, pattern) for pattern in patterns) for value, patterns in told)


@cache
def every_equivalent(file: Path = FILE) -> tuple[Equivalent, ...]:
    """Read the file.

    Raises:
        ValueError: an entry names no reason, something unknown, or an operator that does not exist.
    """
    ids = [operator.id for operator in every_operator()]
    entries = []
    for number, entry in enumerate(tomllib.loads(file.read_text()).get("equivalent", []), 1):
        place = f"{file.name}, entry {number}"
        if unknown := entry.keys() - _FIELDS:
            raise ValueError(f"{place}: {', '.join(sorted(unknown))} unknown; allowed are {', '.join(sorted(_FIELDS))}")
        if not entry.get("because", "").strip() or not entry.get("operators"):
            raise ValueError(f"{place}: needs operators and because")
        for pattern in entry["operators"]:
            if not any(fnmatchcase(one, pattern) for one in ids):
                raise ValueError(f"{place}: no operator is called {pattern!r}")
        lists = {name: tuple(value) for name, value in entry.items() if name != "because"}
        entries.append(Equivalent(because=entry["because"], **lists))
    return tuple(entries)


def why_equivalent(mutant: Mutant, entries: Iterable[Equivalent] | None = None) -> str:
    """Why a mutant is no worse than the original; empty if it is worse."""
    for entry in every_equivalent() if entries is None else entries:
        if entry.covers(mutant):
            return entry.because
    return ""
