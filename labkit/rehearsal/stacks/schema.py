"""The published schema of every CloudFormation resource type, read from the copy that cfn-lint carries."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from labkit.errors import UserError

REGION = "us-east-1"


@cache
def _folder() -> Path:
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise UserError("The rehearsal needs cfn-lint for the schemas that it carries. Run: make test")
    return Path(spec.origin).parent / "data" / "schemas"


@cache
def _index(region: str) -> dict[str, str]:
    path = _folder() / "providers" / f"{region}.json"
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found


@cache
def schema(type: str, region: str = REGION) -> dict[str, Any] | None:
    """The schema of a resource type, or None where CloudFormation has no such type in the region."""
    entry = _index(region).get(type)
    if entry is None:
        return None
    content: dict[str, Any] = json.loads((_folder() / "resources" / f"{entry}.json").read_text())
    return content


def pointers(type: str, field: str) -> list[str]:
    """The properties that a schema lists under ``field``, dotted (``Endpoint.Address``)."""
    found = schema(type) or {}
    return [pointer.removeprefix("/properties/").replace("/", ".") for pointer in found.get(field, [])]


@cache
def create_only(type: str) -> frozenset[str]:
    """Top-level properties whose change means replacement."""
    return frozenset(name.split(".")[0] for name in pointers(type, "createOnlyProperties"))


def faults(type: str, properties: dict[str, Any]) -> list[str]:
    """What CloudFormation refuses in resolved properties: unknown names and missing required ones, at any depth."""
    found = schema(type)
    if found is None:
        return []
    return list(_faults(found, found, properties, "#"))


def _faults(root: dict[str, Any], shape: dict[str, Any], value: Any, where: str) -> list[str]:
    shape = _resolved(root, shape)
    problems: list[str] = []
    if isinstance(value, dict) and "properties" in shape:
        for name in shape.get("required", []):
            if name not in value:
                problems.append(f"{where}: required key [{name}] not found")
        closed = shape.get("additionalProperties") is False and "patternProperties" not in shape
        for name, item in value.items():
            if name in shape["properties"]:
                problems += _faults(root, shape["properties"][name], item, f"{where}/{name}")
            elif closed:
                problems.append(f"{where}: extraneous key [{name}] is not permitted")
    elif isinstance(value, list) and isinstance(shape.get("items"), dict):
        for number, item in enumerate(value):
            problems += _faults(root, shape["items"], item, f"{where}/{number}")
    return problems


def _resolved(root: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    for _ in range(10):
        reference = shape.get("$ref")
        if not reference:
            return shape
        target: Any = root
        for part in reference.removeprefix("#/").split("/"):
            target = target.get(part, {})
        shape = target
    return {}
