"""Findings as SARIF 2.1.0, for pull requests and for editors: each points at the line that makes the resource.

A passed check has no place in a pull request and is left out; what was accepted is there, suppressed with its reason.
Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from labkit.review.evidence import Evidence
from labkit.review.result import Review

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_REPORTED = ("open", "unknown", "accepted")


def as_sarif(review: Review) -> str:
    """One run per engine; an engine that found nothing has a run without results."""
    by_engine: dict[str, list[Evidence]] = {}
    for row in review.rows:
        by_engine.setdefault(row.engine, []).append(row)
    runs = [_run(engine, rows) for engine, rows in sorted(by_engine.items())]
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": runs}, indent=1, ensure_ascii=False) + "\n"


def _run(engine: str, rows: list[Evidence]) -> dict[str, Any]:
    reported = [row for row in rows if row.status in _REPORTED]
    rules = {row.rule: row for row in sorted(rows, key=lambda row: row.rule, reverse=True)}
    index = {rule: number for number, rule in enumerate(sorted(rules))}
    return {
        "tool": {
            "driver": {
                "name": engine,
                "version": rows[0].engine_version,
                "rules": [_rule(rules[rule]) for rule in sorted(rules)],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(row, index[row.rule]) for row in reported],
    }


def _rule(row: Evidence) -> dict[str, Any]:
    return {
        "id": row.rule,
        "shortDescription": {"text": row.title},
        "defaultConfiguration": {"level": row.level},
        "properties": {"tags": list(row.controls)},
    }


def _result(row: Evidence, index: int) -> dict[str, Any]:
    words = row.evidence if row.status != "unknown" else f"could not be decided: {row.evidence}"
    result: dict[str, Any] = {
        "ruleId": row.rule,
        "ruleIndex": index,
        "level": row.level,
        "message": {"text": f"{row.lab} {row.logical_id or 'template'}: {words}"},
        "locations": [_location(row)],
        "partialFingerprints": {"finding/v1": _fingerprint(row)},
        "properties": {"lab": row.lab, "status": row.status, "finding": row.finding},
    }
    if row.status == "accepted":
        told = f"{row.reason} ({row.kind}, {row.owner}, until {row.review_by})"
        result["suppressions"] = [{"kind": "inSource", "status": "accepted", "justification": told}]
    return result


def _location(row: Evidence) -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": row.file, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": row.line},
        }
    }
    if row.logical_id:
        place["logicalLocations"] = [
            {"name": row.logical_id, "fullyQualifiedName": row.path or row.logical_id, "kind": "resource"}
        ]
    return place


def _fingerprint(row: Evidence) -> str:
    """The same for one finding in two versions of the code."""
    return _digest((row.lab, row.engine, row.finding or row.rule, row.logical_id, row.evidence))


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
