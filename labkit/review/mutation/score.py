"""The score of each lab, and the survivors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from labkit.review.mutation import REQUIRED
from labkit.review.mutation.running import Result

ALL = "all labs"


@dataclass(frozen=True)
class Score:
    """How many mutants of a lab were named.

    Args:
        lab: folder name, or ``all labs``.
        mutants: made.
        named: by a rule or prover.
        survived: not named, and worse than the original.
        equivalent: not named, and no worse than the original.
    """

    lab: str
    mutants: int
    named: int
    survived: int
    equivalent: int

    @property
    def share(self) -> float:
        """Named mutants by those that are worse than the original; 1 where there are none."""
        worse = self.named + self.survived
        return self.named / worse if worse else 1.0

    @property
    def enough(self) -> bool:
        """Whether the share is as high as required."""
        return self.share >= REQUIRED


def scores(results: Iterable[Result]) -> list[Score]:
    """The score of each lab, and of all of them in the last place."""
    by_lab: dict[str, Counter[str]] = {}
    total: Counter[str] = Counter()
    for one in results:
        by_lab.setdefault(one.mutant.lab, Counter())[one.fate] += 1
        total[one.fate] += 1
    return [_score(lab, fates) for lab, fates in [*sorted(by_lab.items()), (ALL, total)]]


def _score(lab: str, fates: Counter[str]) -> Score:
    return Score(lab, fates.total(), fates["named"], fates["survived"], fates["equivalent"])


def survivors(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Survivors by operator."""
    found: dict[str, list[Result]] = {}
    for one in results:
        if one.fate == "survived":
            found.setdefault(one.mutant.operator, []).append(one)
    return dict(sorted(found.items()))


def as_data(results: list[Result]) -> dict[str, Any]:
    """Scores, survivors and equivalents, for other programs."""
    counted = scores(results)
    return {
        "required": REQUIRED,
        "scores": [asdict(one) | {"share": round(one.share, 4)} for one in counted],
        "survivors": [_told(one) for one in results if one.fate == "survived"],
        "equivalent": [_told(one) | {"because": one.told} for one in results if one.fate == "equivalent"],
        "named_by": dict(sorted(Counter(f"{one.engine}: {one.rule}" for one in results if one.rule).items())),
    }


def _told(one: Result) -> dict[str, str]:
    mutant = one.mutant
    return {"lab": mutant.lab, "operator": mutant.operator, "type": mutant.type, "place": mutant.place}
