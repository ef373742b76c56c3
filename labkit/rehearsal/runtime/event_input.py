"""What a target of a rule gets of an event: all of it, a part, a constant, or a template filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

_PLACE = re.compile(r"<([^<>]+)>")


def chosen(target: Mapping[str, Any], event: dict[str, Any], *, rule_arn: str, now: datetime) -> str:
    """The text that ``target`` is sent for ``event``."""
    if target.get("Input"):
        return str(target["Input"])
    if path := target.get("InputPath"):
        return json.dumps(_at(event, path))
    if transformer := target.get("InputTransformer"):
        values = {name: _at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
        values |= {
            "aws.events.event": event,
            "aws.events.event.json": event,
            "aws.events.rule-arn": rule_arn,
            "aws.events.rule-name": rule_arn.rpartition("/")[2],
            "aws.events.event.ingestion-time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        }
        return _filled(transformer["InputTemplate"], values)
    return json.dumps(event)


def _filled(template: str, values: Mapping[str, Any]) -> str:
    """Inside quotes a value stands as text; outside, as JSON."""
    pieces, end, quoted = [], 0, False
    for place in _PLACE.finditer(template):
        before = template[end : place.start()]
        quoted ^= len(re.findall(r'(?<!\\)"', before)) % 2 == 1
        pieces.append(before)
        value = values.get(place[1])
        if not quoted:
            pieces.append(json.dumps(value))
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            pieces.append(json.dumps(text)[1:-1])
        end = place.end()
    return "".join([*pieces, template[end:]])


def _at(event: Any, path: str) -> Any:
    found = event
    for part in re.findall(r"[^.\[\]]+", path.removeprefix("$")):
        if isinstance(found, list) and part.isdigit():
            found = found[int(part)] if int(part) < len(found) else None
        else:
            found = found.get(part) if isinstance(found, dict) else None
    return found
