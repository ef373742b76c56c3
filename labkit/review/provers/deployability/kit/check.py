"""A check: one class of failure, what it looks at, and what it says to a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

Phase = Literal["create", "update", "first-use", "delete"]


@dataclass(frozen=True)
class Fault:
    """What will go wrong with one resource.

    Args:
        path: property, such as ``VpcConfig.Subnets``.
        value: what stands there; ``None`` when nothing does.
        what: what will happen, in a sentence without a full stop.
        error: the message AWS gives; default: that of the check.
        fix: what to change; default: that of the check.
        undecided: the template alone does not tell.
    """

    path: str
    value: Any
    what: str
    error: str = ""
    fix: str = ""
    undecided: bool = False


Look = Callable[[Resource, View], Iterable[Fault]]
Compare = Callable[[View, View], Iterable[tuple[str, Fault]]]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One class of failures.

    Args:
        id: ``deploy-`` and the file's name with hyphens.
        title: the passing case.
        phase: when the failure shows.
        why: how it comes about.
        fix: what to change.
        error: the message AWS gives, or the symptom in parentheses.
        sources: pages and reports it rests on.
        covers: entries of the catalogue of failures that belong to the class.
        types: resource types it looks at; ``*`` is every one.
        look: yields the faults of one resource.
        compare: yields (logical id, fault) of a deployed template and the next one; for checks of updates alone.
        level: ``error``, or ``warning`` where the failure depends on the account.
    """

    id: str
    title: str
    phase: Phase
    why: str
    fix: str
    error: str
    sources: tuple[str, ...]
    types: tuple[str, ...]
    covers: tuple[str, ...] = ()
    look: Look | None = None
    compare: Compare | None = None
    level: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"deploy(-[a-z0-9]+)+", self.id):
            raise ValueError(f"check id {self.id!r}: deploy- and lower-case words joined by hyphens")
        if (self.look is None) == (self.compare is None):
            raise ValueError(f"check {self.id}: looks at a resource or compares two templates")
