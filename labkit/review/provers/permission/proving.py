"""Runs everything the permission prover proves on one lab."""

from __future__ import annotations

import hashlib
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

ENGINE = "permission prover"


@cache
def version() -> str:
    """The content of the prover, as a digest: it changes whenever the prover does."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for file in sorted(one for one in folder.iterdir() if one.suffix in (".py", ".toml", ".json")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield what the prover says of a lab.

    Raises:
        UserError: the lab's table cannot be read.
    """
    # A table belongs to a lab of this project; somebody else's template of the same name has none.
    yield from proved(lab, None if lab.foreign else rows_of(ROOT / "labs" / lab.assembly.lab))


def proved(lab: Lab, table: tuple[Row, ...] | None) -> Iterator[Evidence]:
    """Yield what the prover says of a lab with a table, or with none."""
    stack = Stack(lab.assembly.template, region=lab.assembly.region, partition=lab.assembly.partition)
    used = set()
    for one in _findings(lab, stack, table):
        used.add(one.rule)
        yield _row(lab, one)
    for rule in RULES:
        if rule.id not in used:
            tabled = rule.id in (keeping.RULE, explaining.RULE) and table is None
            why = f"the lab has no {FILE}" if tabled else "no role, user or policy in the template"
            yield _row(lab, Finding(rule.id, "", "not applicable", why))


def _findings(lab: Lab, stack: Stack, table: tuple[Row, ...] | None) -> Iterator[Finding]:
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


def _row(lab: Lab, one: Finding) -> Evidence:
    rule = next(rule for rule in RULES if rule.id == one.rule)
    return Evidence(
        **lab.about(one.logical_id),
        engine=ENGINE,
        engine_version=version(),
        rule=rule.id,
        finding=rule.id,
        title=rule.title,
        status=one.status,
        level=one.level,
        evidence=one.evidence,
        reason=one.reason,
        controls=rule.controls,
    )
