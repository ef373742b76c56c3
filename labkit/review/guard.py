"""Turns what CDK's validation plugin said of the Guard rules into rows, and what it did not say into passes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from labkit.review.evidence import Evidence, shown
from labkit.review.lab import Lab
from stacks.rules.kit.guard import GuardRule, digest, guard_rules, rules_of

ENGINE = "Guard"


def version() -> str:
    """The content of the rules, as a digest: it changes whenever a rule does."""
    return digest()


@cache
def ids() -> frozenset[str]:
    """The ids of the Guard rules."""
    return frozenset(rule.id for rule in guard_rules())


def ran(lab: Lab) -> bool:
    """Whether Guard looked at the lab with the rules of today: it takes seconds to start, so only the gate asks."""
    return lab.assembly.record.get("guard_rules") == version()


def refused(lab: Lab) -> str:
    """Why Guard did not look at a template that it was asked about; empty when it did, or was not asked."""
    return str(lab.assembly.record.get("guard_refused", ""))


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield a row for each problem, each pass and each rule that had nothing to look at."""
    if refused(lab):
        yield _not_evaluated(lab)
        return
    known = {rule.id: rule for rule in guard_rules()}
    broken = set()
    for finding in lab.assembly.record["guard"]:
        try:
            rule, logical_id = known[finding["rule"]], finding["logical_id"]
            lab.template.resources[logical_id]  # a finding on nothing would turn into a pass
            evidence = f"{finding['path'] or 'Properties'} = {shown(finding['value'])}: {finding['message']}"
            status: Any = "unknown" if finding["undecided"] else "open"
        except (KeyError, TypeError):
            raise lab.damaged("guard", finding) from None
        broken.add((rule.id, logical_id))
        yield Evidence(**lab.about(logical_id), **_common(rule), status=status, evidence=evidence)
    used = set()
    for rule, resource in rules_of(lab.template, guard_rules()):
        used.add(rule.id)
        if (rule.id, resource.logical_id) not in broken:
            yield Evidence(
                **lab.about(resource.logical_id), **_common(rule), status="pass", evidence="looked at, nothing found"
            )
    for rule in guard_rules():
        if rule.id not in used:
            evidence = f"no {' or '.join(rule.types)} in the lab"
            yield Evidence(**lab.about(""), **_common(rule), status="not applicable", evidence=evidence)


def _not_evaluated(lab: Lab) -> Evidence:
    return Evidence(
        **lab.about(""),
        engine=ENGINE,
        engine_version=version(),
        rule="all",
        title="The Guard rules looked at the template",
        status="not applicable",
        evidence=f"not evaluated: {refused(lab)}",
    )


def _common(rule: GuardRule) -> dict[str, Any]:
    return {
        "engine": ENGINE,
        "engine_version": version(),
        "rule": rule.id,
        "finding": rule.id,
        "title": rule.title,
        "level": rule.level,
        "controls": rule.controls,
    }
