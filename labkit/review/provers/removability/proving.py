"""Runs everything the removability prover proves on one lab."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from labkit.errors import UserError
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.removability.blocked import blocked
from labkit.review.provers.removability.costs import Costs
from labkit.review.provers.removability.kept import kept
from labkit.review.provers.removability.left import left
from labkit.review.provers.removability.order import order
from labkit.review.provers.removability.rules import COMPLETELY, ORDER, PURPOSE, RULES, UNBLOCKED

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
    digest = hashlib.sha256()
    for file in sorted(one for one in Path(__file__).parent.iterdir() if one.suffix in (".py", ".toml")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield what the prover says of a lab."""
    used = set()
    try:
        for one in findings(lab):
            used.add(one.rule)
            yield _row(lab, one)
    except UserError:
        raise
    # A template is input: whatever stands in it, the answer is a row and no trace.
    except Exception as error:
        said = f"the prover could not look any further: {type(error).__name__}: {error}"
        # Without an id to accept it by: what would have been found is not known.
        yield replace(_row(lab, Finding(RULES[0].id, "", "unknown", said)), finding="")
        return
    for rule in RULES:
        if rule.id not in used:
            yield _row(lab, Finding(rule.id, "", "not applicable", _IDLE[rule.id]))


def findings(lab: Lab) -> Iterator[Finding]:
    """Yield every answer of every rule, each once."""
    assembly = lab.assembly
    view = View(lab.template.content, region=assembly.region, partition=assembly.partition, stack=assembly.stack)
    answers = (*kept(view, Costs.of(assembly)), *left(view), *blocked(view), *order(view))
    yield from dict.fromkeys(answers)


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
        controls=rule.controls,
    )
