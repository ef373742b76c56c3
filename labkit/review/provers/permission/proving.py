"""Runs everything the permission prover proves on one lab."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from labkit.catalogue import ROOT
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab
from labkit.review.provers.permission import climbing, explaining, keeping, leaving, trusting
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.permission.questions import Question, Questions
from labkit.review.provers.permission.rules import RULES
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.table import FILE, Row, rows_of
from labkit.review.provers.telling import digest, told

ENGINE = "permission prover"


@cache
def version() -> str:
    """The content of the prover, as a digest: it changes whenever the prover does."""
    return digest(Path(__file__).parent)


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield what the prover says of a lab.

    Raises:
        UserError: the lab's table cannot be read.
    """
    # A table belongs to a lab of this project; somebody else's template of the same name has none.
    yield from proved(lab, None if lab.foreign else rows_of(ROOT / "labs" / lab.assembly.lab))


def proved(lab: Lab, table: tuple[Row, ...] | None) -> Iterator[Evidence]:
    """Yield what the prover says of a lab with a table, or with none."""
    tabled = (keeping.RULE, explaining.RULE) if table is None else ()
    idle = {
        rule.id: f"the lab has no {FILE}" if rule.id in tabled else "no role, user or policy in the template"
        for rule in RULES
    }
    return told(lab, lambda: _findings(lab, table), engine=ENGINE, version=version(), rules=RULES, idle=idle)


def _findings(lab: Lab, table: tuple[Row, ...] | None) -> Iterator[Finding]:
    stack = Stack(lab.assembly.template, region=lab.assembly.region, partition=lab.assembly.partition)
    reasons: list[Question] | None = None
    if table is not None:
        questions = Questions(lab, stack)
        yield from keeping.kept(stack, questions, table)
        yield from explaining.unexplained(stack, questions, table)
    # After the table, which is cheaper to ask and often tells enough to whoever stops at the first finding.
    graph = climbing.Graph(stack)
    if table is not None:
        asked = [one for row in table for one in questions.of(row) if isinstance(one, Question)]
        reasons = [one for one in asked if one.row.kind == "may"]
        yield from climbing.indirect(stack, graph, (one for one in asked if one.row.kind == "may_not"))
    yield from climbing.climbing(stack, graph, reasons)
    yield from leaving.leaving(stack)
    yield from trusting.trusted(stack)
