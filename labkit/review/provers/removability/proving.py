"""Runs everything the removability prover proves on one lab."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from labkit.review.evidence import Evidence
from labkit.review.lab import Lab
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.removability.blocked import blocked
from labkit.review.provers.removability.children import children
from labkit.review.provers.removability.costs import Costs
from labkit.review.provers.removability.jobs import jobs
from labkit.review.provers.removability.kept import kept
from labkit.review.provers.removability.left import left
from labkit.review.provers.removability.order import order
from labkit.review.provers.removability.rules import COMPLETELY, ORDER, PURPOSE, RULES, UNBLOCKED
from labkit.review.provers.telling import digest, told

ENGINE = "removability prover"
_IDLE = {
    COMPLETELY: "nothing in the template makes anything beside it",
    PURPOSE: "nothing that holds data, and no deletion policy",
    UNBLOCKED: "nothing that must be empty or unprotected to be deleted",
    ORDER: "no custom resource and no interfaces in a network of the stack",
}


@cache
def version() -> str:
    """The content of the prover, as a digest: it changes whenever the prover does."""
    return digest(Path(__file__).parent)


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield what the prover says of a lab."""
    return told(lab, lambda: findings(lab), engine=ENGINE, version=version(), rules=RULES, idle=_IDLE)


def findings(lab: Lab) -> Iterator[Finding]:
    """Yield every answer of every rule, each once."""
    assembly = lab.assembly
    view = View(lab.template.content, region=assembly.region, partition=assembly.partition, stack=assembly.stack)
    answers = (*kept(view, Costs.of(assembly)), *left(view), *blocked(view), *jobs(view), *order(view), *children(view))
    yield from dict.fromkeys(answers)
