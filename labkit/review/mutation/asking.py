"""Asks the engines that read templates what they say of a mutant that they do not say of the original."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from labkit.assembly import Assembly
from labkit.review import own, provers
from labkit.review.errors import EngineFailed
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab
from labkit.review.mutation import every_operator
from labkit.review.mutation.kit.places import Template
from labkit.review.mutation.mutants import Mutant

Key = tuple[str, str, str]
Engine = Callable[[Lab], Iterator[Evidence]]


def engines() -> dict[str, Engine]:
    """The engines by name, the cheapest first."""
    return {own.ENGINE: own.findings} | {one.ENGINE: one.rows for one in provers.every_prover()}


def _wrong(engine: Engine, lab: Lab) -> Iterator[Evidence]:
    return (row for row in engine(lab) if row.status in ("open", "unknown"))


def _key(row: Evidence) -> Key:
    return row.engine, row.rule, row.logical_id


def reviewed(assembly: Assembly, template: Template) -> Lab:
    """A lab whose template is another one than on disk."""
    changed = replace(assembly)
    # What was read of the files is the same for every mutant.
    changed.__dict__.update(assembly.__dict__ | {"template": template})
    return Lab(changed)


@dataclass
class Judge:
    """Tells which row names a mutant of one lab.

    Accepted findings count as the original's: what an acceptance would swallow is not named.

    Args:
        assembly: the lab.
    """

    assembly: Assembly
    _known: set[Key] = field(default_factory=set)
    _first: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lab = Lab(self.assembly)
        self._known = {_key(row) for engine in engines().values() for row in _wrong(engine, lab)}
        self._operators = {one.id: one for one in every_operator()}

    def mutated(self, mutant: Mutant) -> Template:
        """The template of a mutant."""
        return self._operators[mutant.operator].apply(self.assembly.template, mutant.site)

    def named_by(self, mutant: Mutant) -> Evidence | None:
        """The first row that the original does not have, or ``None``.

        The engine that named the last mutant of the same kind is asked first; the others only if it has nothing.

        Raises:
            EngineFailed: an engine broke off, which none does whatever stands in a template.
        """
        lab = reviewed(self.assembly, self.mutated(mutant))
        asked = engines()
        kind = (mutant.operator, mutant.type)
        first = self._first.get(kind, "")
        for name in sorted(asked, key=lambda name: name != first):
            try:
                row = next((one for one in _wrong(asked[name], lab) if _key(one) not in self._known), None)
            except Exception as error:
                raise EngineFailed(f"{mutant}: the {name} broke off with {type(error).__name__}: {error}") from error
            if row is not None and not row.finding:  # told by the engine itself that it could not look any further
                raise EngineFailed(f"{mutant}: the {name} broke off: {row.evidence}")
            if row is not None:
                self._first[kind] = name
                return row
        return None
