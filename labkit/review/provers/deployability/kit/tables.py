"""Tables of what services need, kept as data beside the checks."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import stacks.rules

_FOLDER = Path(__file__).parent.parent / "tables"


@cache
def table(name: str) -> dict[str, Any]:
    """Return a table of this prover."""
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text())


@cache
def by_type(name: str, rows: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a table by the resource types they are about."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table(name)[rows]:
        for type_ in row["types"] if "types" in row else [row["type"]]:
            found.setdefault(type_, []).append(row)
    return found


@cache
def actions() -> dict[str, frozenset[str]]:
    """Every action of every service, lower case, as cfn-lint carries them from the Service Authorization Reference."""
    content = json.loads((_lint() / "data" / "AdditionalSpecs" / "Policies.json").read_text())
    return {service: frozenset(entry["Actions"]) for service, entry in content.items()}


@cache
def registries() -> dict[str, frozenset[str]]:
    """SageMaker's image registries: account number to the regions it serves."""
    found: dict[str, set[str]] = {}
    for framework in _images()["frameworks"].values():
        for region, registry in framework["registries"].items():
            found.setdefault(registry.partition(".")[0], set()).add(region)
    return {account: frozenset(regions) for account, regions in found.items()}


@cache
def repositories() -> dict[str, frozenset[str]]:
    """The repositories of SageMaker's image registries by account number."""
    beside: dict[str, list[str]] = {row["beside"]: row["repositories"] for row in table("registries")["registry"]}
    found: dict[str, set[str]] = {}
    for framework in _images()["frameworks"].values():
        name = framework["repository"]
        for registry in framework["registries"].values():
            found.setdefault(registry.partition(".")[0], set()).update([name, *beside.get(name, ())])
    return {account: frozenset(names) for account, names in found.items()}


@cache
def _images() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        (Path(stacks.rules.__file__).parents[1] / "images" / "images.json").read_text()
    )
    return content


def _lint() -> Path:
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("cfn-lint, which carries the table of actions, is not installed")
    return Path(spec.origin).parent
