"""The evidence as OSCAL assessment results, for tools that keep a system's security documents.

One result per lab. An observation is what one rule says of the lab's resources; a finding is what all rules together
say of one control of NIST SP 800-53 revision 5; an accepted finding is a risk with its deviation approved.
Source: https://pages.nist.gov/OSCAL/learn/concepts/layer/assessment/assessment-results/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid5

from labkit.review.evidence import Evidence
from labkit.review.result import Review, Reviewed

_VERSION = "1.2.1"
_NAMESPACE = UUID("6f1f1c9c-6c1b-5c43-9a53-6b0d3f4b2c11")
_R5 = "NIST.800.53.R5"
_CONTROL = re.compile(r"^([A-Z]{2})-(\d+)(?:\((\d+)\))?")


def as_oscal(review: Review) -> str:
    """Return the assessment results; their moments are the beginning of the day on which the review judged."""
    moment = f"{review.judged_on.isoformat()}T00:00:00Z"
    content = {
        "assessment-results": {
            "uuid": _id("results", json.dumps([lab.template for lab in review.labs]), moment),
            "metadata": {
                "title": "Review of synthesized templates",
                "last-modified": moment,
                "version": "1",
                "oscal-version": _VERSION,
                "props": [_prop("engine", f"{name} {version}") for name, version in review.engines.items()],
            },
            "import-ap": {"href": "#plan"},
            "results": [
                _result(lab, [row for row in review.rows if row.lab == lab.lab], moment) for lab in review.labs
            ],
        }
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def controls(row: Evidence) -> list[str]:
    """The row's controls of NIST SP 800-53 revision 5, spelled as OSCAL's catalogue does, such as ``ac-2.6``."""
    named = [name.removeprefix("NIST ") for name in row.controls if row.engine == _R5 or name.startswith("NIST ")]
    found = (_CONTROL.match(name) for name in named)
    spelled = {f"{m[1].lower()}-{m[2]}{f'.{m[3]}' if m[3] else ''}" for m in found if m}
    return sorted(spelled)


def _result(lab: Reviewed, rows: list[Evidence], moment: str) -> dict[str, Any]:
    grouped: dict[tuple[str, ...], list[Evidence]] = {}
    for row in rows:
        if row.status != "not applicable":
            grouped.setdefault((row.engine, row.rule, row.status, row.reason), []).append(row)
    observations, by_control, risks = [], dict[str, list[tuple[str, Evidence]]](), []
    for key, group in grouped.items():
        observed = _observation(lab, key, group, moment)
        observations.append(observed)
        for control in controls(group[0]):
            by_control.setdefault(control, []).append((observed["uuid"], group[0]))
        if group[0].status == "accepted":
            risks.append(_risk(lab, group, observed["uuid"]))
    chosen: dict[str, Any] = {"include-controls": [{"control-id": name} for name in sorted(by_control)]}
    result: dict[str, Any] = {
        "uuid": _id("result", lab.lab, lab.template),
        "title": lab.lab,
        "description": f"The template of {lab.stack} for {lab.region}, SHA-256 {lab.template}.",
        "start": moment,
        "reviewed-controls": {"control-selections": [chosen if by_control else {"include-all": {}}]},
        "observations": observations,
        "findings": [_finding(lab, control, found) for control, found in sorted(by_control.items())],
    }
    # OSCAL takes no empty lists.
    return {name: value for name, value in (result | {"risks": risks}).items() if value != []}


def _observation(lab: Reviewed, key: tuple[str, ...], group: list[Evidence], moment: str) -> dict[str, Any]:
    first = group[0]
    return {
        "uuid": _id("observation", lab.lab, *key),
        "title": f"{first.engine}: {first.rule}",
        "description": first.title,
        "props": [_prop("status", first.status.replace(" ", "-")), _prop("engine-version", first.engine_version)],
        "methods": ["TEST-AUTOMATED"],
        "subjects": [
            {
                "subject-uuid": _id("resource", lab.lab, row.logical_id),
                "type": "component" if row.logical_id else "inventory-item",
                "title": row.logical_id or lab.stack,
            }
            for row in _once(group)
        ],
        "relevant-evidence": [
            {"description": f"{row.logical_id or lab.stack} ({row.file} line {row.line}): {row.evidence}"}
            for row in group
        ],
        "collected": moment,
    }


def _finding(lab: Reviewed, control: str, found: list[tuple[str, Evidence]]) -> dict[str, Any]:
    against = sorted({row.rule for _, row in found if row.status in ("open", "unknown")})
    state = "not-satisfied" if against else "satisfied"
    told = (
        f"Open: {', '.join(against)}." if against else "Every rule that serves it passes or is accepted with a reason."
    )
    return {
        "uuid": _id("finding", lab.lab, control),
        "title": control.upper(),
        "description": f"{told} The rules see templates alone; a control may ask for more.",
        "target": {"type": "objective-id", "target-id": f"{control}_obj", "status": {"state": state}},
        "related-observations": [{"observation-uuid": name} for name, _ in found],
    }


def _risk(lab: Reviewed, group: list[Evidence], observation: str) -> dict[str, Any]:
    first = group[0]
    return {
        "uuid": _id("risk", lab.lab, first.engine, first.rule, first.reason),
        "title": f"{first.rule} accepted",
        "description": first.title,
        "statement": first.reason,
        "props": [_prop("kind", first.kind), _prop("owner", first.owner)],
        "status": "deviation-approved",
        "deadline": f"{first.review_by}T00:00:00Z",
        "related-observations": [{"observation-uuid": observation}],
    }


def _once(rows: Iterable[Evidence]) -> list[Evidence]:
    return list({row.logical_id: row for row in rows}.values())


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value or "none"}


def _id(*parts: str) -> str:
    return str(uuid5(_NAMESPACE, "\0".join(parts)))
