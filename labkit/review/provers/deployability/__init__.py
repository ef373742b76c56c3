"""Finds in a template what people otherwise meet at deployment, update, first use and deletion.

One file in ``checks/`` is one class of failures; nothing registers it. ``evaluate`` asks all of them about one
template, ``check_update`` those that compare a deployed template with the next one.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labkit.review.evidence import Evidence, shown
from labkit.review.lab import Lab
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

__all__ = ["ENGINE", "RULES", "Change", "Outcome", "check_update", "evaluate", "rows", "version"]

ENGINE = "deployability prover"
_FOLDER = Path(__file__).parent


def _every_check() -> tuple[Check, ...]:
    found = []
    for file in sorted((_FOLDER / "checks").glob("*.py")):
        if file.stem != "__init__":
            check: Check = importlib.import_module(f"{__name__}.checks.{file.stem}").CHECK
            if check.id != f"deploy-{file.stem.replace('_', '-')}":
                raise ValueError(f"{file.name}: holds the check {check.id!r}; file and check have one name")
            found.append(check)
    return tuple(found)


RULES = _every_check()


@dataclass(frozen=True)
class Outcome:
    """What one check says of one resource it looked at. ``error`` tells why it could not look."""

    check: Check
    resource: Resource
    faults: tuple[Fault, ...]
    error: str = ""


@dataclass(frozen=True)
class Change:
    """What an update of a deployed stack runs into."""

    check: Check
    logical_id: str
    fault: Fault


@cache
def version() -> str:
    """The content of the checks and their tables, as a digest: it changes whenever one does."""
    digest = hashlib.sha256()
    for file in sorted((*_FOLDER.rglob("*.py"), *_FOLDER.rglob("*.toml"))):
        digest.update(file.relative_to(_FOLDER).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def evaluate(view: View) -> Iterator[Outcome]:
    """Yield what each check says of each resource of its types."""
    for check in RULES:
        if check.look is None:
            continue
        for resource in view.of(*check.types):
            try:
                yield Outcome(check, resource, tuple(check.look(resource, view)))
            # A template is input: whatever stands in it, the answer is a row and no trace.
            except Exception as error:
                yield Outcome(check, resource, (), f"{type(error).__name__}: {error}")


def check_update(
    deployed: dict[str, Any], following: dict[str, Any], *, region: str = "us-east-1", partition: str = "aws"
) -> list[Change]:
    """Tell what an update from one template to the next would run into.

    Args:
        deployed: the template that the stack has now.
        following: the template it is to be updated to.
        region: where the stack is.
        partition: of the region.

    Raises:
        ValueError: one of the two is no template.
    """
    old = View(deployed, region=region, partition=partition)
    new = View(following, region=region, partition=partition)
    return [
        Change(check, logical_id, fault)
        for check in RULES
        if check.compare is not None
        for logical_id, fault in check.compare(old, new)
    ]


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield a row for each fault, each pass and each check that had nothing to look at."""
    assembly = lab.assembly
    content = lab.template.content
    file = assembly.folder / f"{assembly.stack}.template.json"
    size = file.stat().st_size if file.exists() else 0
    listed = (assembly.folder / f"{assembly.stack}.assets.json").exists()
    assets = assembly.assets if listed else []
    view = View(
        content,
        region=assembly.region,
        partition=assembly.partition,
        size=size,
        stack=assembly.stack,
        assets=frozenset(asset.key for asset in assets) if listed else None,
        files={asset.key: asset.path for asset in assets if asset.key},
    )
    used = set()
    for outcome in evaluate(view):
        used.add(outcome.check.id)
        yield from _rows(lab, outcome)
    for check in RULES:
        if check.id not in used:
            idle = "asked when two versions are compared" if check.compare else f"no {_types(check)} in the lab"
            yield Evidence(**lab.about(""), **_common(check), status="not applicable", evidence=idle)


def _types(check: Check) -> str:
    return " or ".join(check.types[:3]) + (f" or {len(check.types) - 3} other types" if len(check.types) > 3 else "")


def _rows(lab: Lab, outcome: Outcome) -> Iterator[Evidence]:
    common = _common(outcome.check)
    about = lab.about(outcome.resource.logical_id) | {"type": outcome.resource.type}
    if outcome.error:
        # Without an id to accept it by: what the check would have found is not known.
        failed = common | {"finding": ""}
        yield Evidence(**about, **failed, status="unknown", evidence=f"the check could not look: {outcome.error}")
    elif not outcome.faults:
        yield Evidence(**about, **common, status="pass", evidence="looked at, nothing found")
    for fault in outcome.faults:
        yield Evidence(
            **about, **common, status="unknown" if fault.undecided else "open", evidence=told(outcome.check, fault)
        )


def told(check: Check, fault: Fault) -> str:
    """A fault in words: where, what will happen, what AWS says, what to change."""
    error, fix = fault.error or check.error, fault.fix or check.fix
    said = f"Symptom: {error[1:-1]}" if error.startswith("(") and error.endswith(")") else f"AWS says: {error}"
    return f"{fault.path} = {shown(fault.value)}: {fault.what}. At {check.phase}. {said}. Change: {fix}"


def _common(check: Check) -> dict[str, Any]:
    return {
        "engine": ENGINE,
        "engine_version": version(),
        "rule": check.id,
        "finding": check.id,
        "title": check.title,
        "level": check.level,
    }
