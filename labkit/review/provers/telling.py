"""How a prover's answers become rows of evidence: the same for every prover that answers in findings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from labkit.errors import UserError
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.permission.rules import Rule


def digest(folder: Path) -> str:
    """The content of a prover, as a digest: it changes whenever the prover does."""
    found = hashlib.sha256()
    for file in sorted(one for one in folder.iterdir() if one.suffix in (".py", ".toml", ".json")):
        found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:12]


def told(
    lab: Lab,
    findings: Callable[[], Iterable[Finding]],
    *,
    engine: str,
    version: str,
    rules: Iterable[Rule],
    idle: Mapping[str, str],
) -> Iterator[Evidence]:
    """Yield a row for each finding, and one for each rule that had nothing to look at.

    A template is input: whatever stands in it, the answer is a row and no trace.

    Args:
        lab: what is proved.
        findings: gives the answers.
        engine: the prover's name in the evidence.
        version: of the prover.
        rules: that it proves.
        idle: rule to why it had nothing to look at.

    Raises:
        UserError: what a user wrote cannot be read.
    """
    known = {rule.id: rule for rule in rules}

    def row(one: Finding) -> Evidence:
        rule = known[one.rule]
        return Evidence(
            **lab.about(one.logical_id),
            engine=engine,
            engine_version=version,
            rule=rule.id,
            finding=rule.id,
            title=rule.title,
            status=one.status,
            level=one.level,
            evidence=one.evidence,
            reason=one.reason,
            controls=rule.controls,
        )

    used = set()
    try:
        for one in findings():
            used.add(one.rule)
            yield row(one)
    except UserError:
        raise
    except Exception as error:
        said = f"the prover could not look any further: {type(error).__name__}: {error}"
        # Without an id to accept it by: what would have been found is not known.
        yield replace(row(Finding(next(iter(known)), "", "unknown", said)), finding="")
        return
    for name in known:
        if name not in used:
            yield row(Finding(name, "", "not applicable", idle[name]))
