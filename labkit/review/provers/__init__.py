"""Proves things about whole templates, one prover per folder; a folder walk finds them.

A prover's package says ``ENGINE``, the engine's name in the evidence; ``version()``; ``rows(lab)``, which yields the
evidence; and ``RULES``, each with ``id`` and ``title``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol, cast

from labkit.review.evidence import Evidence
from labkit.review.lab import Lab

_FOLDER = Path(__file__).parent


class Prover(Protocol):
    """What every prover's package holds."""

    ENGINE: str
    RULES: Sequence[Any]
    version: Callable[[], str]
    rows: Callable[[Lab], Iterator[Evidence]]


@cache
def every_prover() -> tuple[Prover, ...]:
    """Return the provers of this folder, sorted by name."""
    return tuple(
        cast(Prover, importlib.import_module(f"{__name__}.{file.parent.name}"))
        for file in sorted(_FOLDER.glob("*/__init__.py"))
    )


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield what every prover says of a lab."""
    for prover in every_prover():
        yield from prover.rows(lab)


@cache
def engines() -> frozenset[str]:
    """The names of the provers in the evidence."""
    return frozenset(prover.ENGINE for prover in every_prover())


def versions() -> dict[str, str]:
    """Each prover with its version."""
    return {prover.ENGINE: prover.version() for prover in every_prover()}
