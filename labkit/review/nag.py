"""Turns what cdk-nag reported at synthesis into rows, and what it did not report into passes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import stacks.rules
from labkit.review.errors import EngineFailed
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab

# How cdk-nag words it when a rule failed instead of deciding.
THREW = "Rule threw an error"
_PARTIAL = "nothing reported; the rule leaves some resources of this type out"


@cache
def table() -> dict[str, Any]:
    """Every rule of the pinned cdk-nag by pack, with the types it looks at."""
    content: dict[str, Any] = json.loads((Path(stacks.rules.__file__).parent / "cdk_nag.json").read_text())
    return content


def classes() -> list[str]:
    """The packs as cdk-nag names their classes."""
    return sorted(f"{name.replace('.', '')}Checks" for name in table()["packs"])


def ran(lab: Lab) -> bool:
    """Whether cdk-nag was asked: always at synthesis, and about templates of others in the full review."""
    return not lab.foreign or bool(lab.assembly.versions) or bool(refused(lab))


def refused(lab: Lab) -> str:
    """Why CDK could not read a template of others, so that cdk-nag did not look; empty when it did."""
    return str(lab.assembly.record.get("nag_refused", ""))


def version(lab: Lab) -> str:
    """The version of cdk-nag that looked at a lab.

    Raises:
        EngineFailed: none did, or one whose rules are not those of the table.
    """
    ran, known = lab.assembly.versions.get("cdk-nag"), str(table()["version"])
    if ran != known:
        raise EngineFailed(
            f"{lab.assembly.lab}: cdk-nag {ran or 'did not run'}, its rules are known for {known}. "
            f"Run: labs synth {lab.assembly.lab}"
        )
    return known


def findings(lab: Lab) -> Iterator[Evidence]:
    """Yield a row for each finding."""
    ran = version(lab)
    for finding in lab.assembly.findings:
        yield _finding(lab, finding, ran)


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield a row for each finding, each pass and each rule that had nothing to look at."""
    if refused(lab):
        yield Evidence(
            **lab.about(""),
            engine="cdk-nag",
            engine_version=str(table()["version"]),
            rule="all",
            title="The packs of cdk-nag looked at the template",
            status="not applicable",
            evidence=f"not evaluated, CDK cannot read the template: {refused(lab)}",
        )
        return
    ran = version(lab)
    reported: set[tuple[str, str]] = set()
    for row in findings(lab):
        reported.add((row.rule, row.logical_id))
        yield row
    by_type = lab.template.by_type
    for pack, rules in table()["packs"].items():
        for name, rule in rules.items():
            common: dict[str, Any] = {
                "engine": pack,
                "engine_version": ran,
                "rule": name,
                "title": _title(rule),
                "level": rule["level"],
                "controls": tuple(rule["controls"]),
            }
            looked_at = [resource for type_ in rule["types"] for resource in by_type.get(type_, ())]
            for resource in looked_at:
                if (name, resource.logical_id) not in reported:
                    evidence = _PARTIAL if rule["partial"] else "nothing reported"
                    yield Evidence(**lab.about(resource.logical_id), **common, status="pass", evidence=evidence)
            if not looked_at:
                evidence = f"no {' or '.join(rule['types'])} in the lab"
                yield Evidence(
                    lab=lab.assembly.lab, stack=lab.assembly.stack, **common, status="not applicable", evidence=evidence
                )


def _finding(lab: Lab, finding: Any, ran: str) -> Evidence:
    try:
        pack, name, exact = finding["engine"], finding["rule"], finding["finding"]
        description, logical_id = str(finding["description"]), finding["logical_id"]
        rule = table()["packs"][pack][name]
        path = finding["path"]
        lab.template.resources[logical_id]  # a finding on nothing would turn into a pass of the resource it is about
    except (KeyError, TypeError):
        raise lab.damaged("findings", finding) from None
    detail = exact.removeprefix(name).strip("[]")
    return Evidence(
        **(lab.about(logical_id) | {"path": path}),
        engine=pack,
        engine_version=ran,
        rule=name,
        title=_title(rule),
        level=rule["level"],
        controls=tuple(rule["controls"]),
        status="unknown" if description.startswith(THREW) else "open",
        finding=exact,
        evidence=f"{detail}: {description}" if detail else description,
    )


def _title(rule: dict[str, Any]) -> str:
    # cdk-nag words its rules as the fault; beside "pass" that alone would say the opposite.
    return f"Looks for: {rule['title']}"
