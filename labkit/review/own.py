"""Runs the project's own rules on a lab's template."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import stacks.rules
from labkit.review.evidence import Evidence, shown
from labkit.review.lab import Lab
from stacks.rules import Outcome, Rule, evaluate, every_rule

ENGINE = "own"


@cache
def version() -> str:
    """The content of the rules, as a digest: it changes whenever a rule does."""
    digest = hashlib.sha256()
    folder = Path(stacks.rules.__file__).parent
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


@cache
def ids() -> frozenset[str]:
    """The ids of the own rules."""
    return frozenset(rule.id for rule in every_rule())


def findings(lab: Lab) -> Iterator[Evidence]:
    """Yield a row for each problem, and for each rule that could not look."""
    for outcome in evaluate(lab.template):
        if outcome.problems or outcome.error:
            yield from _rows(lab, outcome)


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield a row for each problem, each pass and each rule that had nothing to look at."""
    used = set()
    asked = [rule for rule in every_rule() if not (lab.foreign and rule.of_labs)]
    for outcome in evaluate(lab.template, asked):
        used.add(outcome.rule.id)
        yield from _rows(lab, outcome)
    for rule in asked:
        if rule.id not in used:
            yield Evidence(
                **lab.about(""),
                **_common(rule),
                status="not applicable",
                evidence=f"no {' or '.join(rule.types)} in the lab",
            )


def _rows(lab: Lab, outcome: Outcome) -> Iterator[Evidence]:
    common = _common(outcome.rule)
    about = lab.about(outcome.resource.logical_id) | {"type": outcome.resource.type}
    if outcome.error:
        # Without an id to accept it by: what the rule would have found is not known.
        failed = common | {"finding": ""}
        yield Evidence(**about, **failed, status="unknown", evidence=f"the rule could not look: {outcome.error}")
    elif not outcome.problems:
        yield Evidence(**about, **common, status="pass", evidence="looked at, nothing found")
    for problem in outcome.problems:
        yield Evidence(
            **about,
            **common,
            status="unknown" if problem.undecided else "open",
            evidence=f"{problem.path} = {shown(problem.value)}: {problem.message}",
        )


def _common(rule: Rule) -> dict[str, Any]:
    return {
        "engine": ENGINE,
        "engine_version": version(),
        "rule": rule.id,
        "finding": rule.id,
        "title": rule.title,
        "level": rule.level,
        "controls": rule.controls,
    }
