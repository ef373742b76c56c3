"""The only door through which a finding is accepted: data beside its cause."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import aws_cdk as cdk
from constructs import IConstruct

from stacks.secure.names import path_of, stack_of

Kind = Literal["risk-accepted", "false-positive", "compensated"]

OWNER = "lab maintainers"
REVIEW_BY = "2027-05-31"
LONGEST_DAYS = 366

_EMPTY_REASONS = re.compile(r"\b(demo|sample|example|required|needed for the lab|by design|not applicable)\b", re.I)
_GENERAL = re.compile(r"^[A-Z][A-Za-z0-9]+$")
_NAG_TABLE = Path(__file__).parent / "rules" / "cdk_nag.json"


@dataclass(frozen=True)
class Acceptance:
    """One finding of one engine, accepted on one construct and what stands below it."""

    construct: IConstruct
    engine: str
    rule: str
    because: str
    kind: Kind
    owner: str
    review_by: str
    path: str


def accept(
    construct: IConstruct,
    *rules: str,
    because: str,
    kind: Kind = "risk-accepted",
    owner: str = OWNER,
    review_by: str = REVIEW_BY,
) -> None:
    """Record that exact findings on one construct are accepted, with the reason.

    Args:
        construct: the construct that causes the finding; never a stack or an app.
        rules: exact ids. ``AwsSolutions-IAM5[Resource::*]`` names one finding; a bare cdk-nag rule name such as
            ``S3BucketReplicationEnabled`` names that rule in each pack that has it; ``kebab-case`` names an own rule or
            one of a prover. A name that nothing finds is told by the review as stale.
        because: why it is safe here, in a sentence.
        kind: ``risk-accepted``, ``false-positive`` or ``compensated`` (another control does the rule's work).
        owner: who answers for it.
        review_by: ISO date after which it counts as open again.

    Raises:
        ValueError: the acceptance is too broad, has no reason, or names an unknown rule.
    """
    if isinstance(construct, (cdk.Stack, cdk.App)):
        raise ValueError("accept() takes the construct that causes the finding, not a stack or an app")
    if len(because) < 40 or _EMPTY_REASONS.search(because):
        raise ValueError(f"accept({', '.join(rules)}): because must say why it is safe here, got {because!r}")
    if kind not in get_args(Kind):
        raise ValueError(f"accept({', '.join(rules)}): kind must be one of {get_args(Kind)}, got {kind!r}")
    date.fromisoformat(review_by)
    stack = stack_of(construct)
    records: list[Acceptance] = stack.__dict__.setdefault("acceptances", [])
    path = path_of(construct)
    for rule in rules:
        for engine, exact in _exact(rule):
            record = Acceptance(construct, engine, exact, because, kind, owner, review_by, path)
            same = [i for i, old in enumerate(records) if (old.path, old.rule) == (record.path, record.rule)]
            if same:  # one finding with two causes carries both reasons
                records[same[0]] = replace(record, because=f"{records[same[0]].because}. Also: {because}")
            else:
                records.append(record)


def acknowledge(stack: cdk.Stack) -> None:
    """Tell CDK's validation of every acceptance of a stack, so that it reports them as accepted, not as failures."""
    grouped: dict[str, list[Acceptance]] = {}
    for record in acceptances(stack):
        if record.engine != "own":
            grouped.setdefault(record.path, []).append(record)
    for records in grouped.values():
        # The plugin-qualified id keeps the finding in the report; the bare id would make it vanish without a trace.
        cdk.Validations.of(records[0].construct).acknowledge(
            *(cdk.Acknowledgment(id=f"{r.engine}::{r.rule}", reason=r.because) for r in records)
        )


def acceptances(stack: cdk.Stack) -> list[Acceptance]:
    """Every acceptance recorded in a stack, in the order of the code."""
    return list(stack.__dict__.get("acceptances", []))


@cache
def packs() -> dict[str, dict[str, dict[str, object]]]:
    """cdk-nag's rules by pack, from the table generated out of the pinned version."""
    table: dict[str, dict[str, dict[str, object]]] = json.loads(_NAG_TABLE.read_text())["packs"]
    return table


def _exact(rule: str) -> Iterator[tuple[str, str]]:
    """Pairs of engine and exact rule id that a name stands for."""
    if rule.islower():
        yield "own", rule
        return
    if _GENERAL.match(rule):
        found = [(pack, f"{pack}-{rule}") for pack, rules in packs().items() if f"{pack}-{rule}" in rules]
    else:
        name = rule.split("[")[0]
        found = [(pack, rule) for pack, rules in packs().items() if name in rules]
    if not found:
        raise ValueError(f"accept({rule!r}): no pack of cdk-nag has that rule")
    yield from found
