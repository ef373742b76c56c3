"""Finds the labs. A lab is a folder under ``labs/`` that holds a ``lab.toml``; nothing is registered anywhere."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import UserError

ROOT = Path(__file__).resolve().parent.parent

DOMAINS = {
    1: "Data preparation",
    2: "Model development",
    3: "Deployment and orchestration",
    4: "Monitoring, cost and security",
    5: "Generative AI",
}
# Task statements of the AWS Certified Machine Learning Engineer - Associate exam guide.
TASKS = {
    "1.1": "Ingest and store data",
    "1.2": "Transform data and perform feature engineering",
    "1.3": "Ensure data integrity and prepare data for modeling",
    "2.1": "Choose a modeling approach",
    "2.2": "Train and refine models",
    "2.3": "Analyze model performance",
    "3.1": "Select deployment infrastructure",
    "3.2": "Create and script infrastructure",
    "3.3": "Set up CI/CD pipelines",
    "4.1": "Monitor model inference",
    "4.2": "Monitor and optimize infrastructure and costs",
    "4.3": "Secure AWS resources",
}
_KEYS = ("title", "teaches", "domain", "tasks", "minutes", "needs", "controls", "availability", "quotas", "sources")
_QUOTA_KEYS = {"code", "name", "needed", "why"}
_FOLDER = re.compile(r"d([1-5])(_[a-z0-9]+)+")


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A service quota that the lab's default settings need.

    Args:
        code: such as ``L-614B09FD``.
        name: as Service Quotas shows it.
        needed: value that must be available.
        why: what in the lab uses it.
    """

    code: str
    name: str
    needed: int
    why: str


@dataclass(frozen=True, kw_only=True)
class Lab:
    """What ``lab.toml`` says, plus the folder it was found in."""

    folder: Path
    title: str
    teaches: str
    domain: int
    tasks: tuple[str, ...]
    minutes: int
    needs: tuple[str, ...]
    controls: tuple[str, ...]
    availability: str
    quotas: tuple[Quota, ...]
    sources: tuple[str, ...]

    @property
    def name(self) -> str:
        """The folder's name, such as ``d3_realtime_endpoint``."""
        return self.folder.name

    @property
    def slug(self) -> str:
        return self.name.replace("_", "-")

    @property
    def stack(self) -> str:
        """The CloudFormation stack's name."""
        return f"Lab-{self.slug}"

    @property
    def steps(self) -> tuple[Path, ...]:
        """The step files, in order."""
        return tuple(sorted((self.folder / "steps").glob("[0-9][0-9]_*.py")))


def find(root: Path = ROOT) -> tuple[Lab, ...]:
    """All labs, sorted by folder name, checked as a whole.

    Raises:
        UserError: a ``lab.toml`` is malformed, or the labs do not fit together.
    """
    labs = tuple(read(file.parent) for file in sorted((root / "labs").glob("*/lab.toml")))
    names = {lab.name for lab in labs}
    for lab in labs:
        for need in lab.needs:
            if need not in names:
                raise UserError(f"labs/{lab.name}/lab.toml: needs {need!r}, which is no lab. Labs: {_listed(names)}")
    _refuse_cycles(labs)
    return labs


def pick(wanted: Sequence[str], root: Path = ROOT) -> tuple[Lab, ...]:
    """The labs of these names (folder or slug), all of them when none is named.

    Raises:
        UserError: no lab has that name; suggests the nearest.
    """
    labs = find(root)
    by_name = {lab.name: lab for lab in labs}
    chosen = []
    for name in wanted:
        folder = name.removeprefix("Lab-").removeprefix("labs/").strip("/").replace("-", "_")
        if folder not in by_name:
            near = difflib.get_close_matches(folder, by_name, n=1, cutoff=0.4)
            hint = f"Did you mean {near[0]}?" if near else f"Labs: {_listed(by_name)}."
            raise UserError(f"There is no lab {name!r}. {hint} See: labs list")
        chosen.append(by_name[folder])
    return tuple(dict.fromkeys(chosen)) or labs


def read(folder: Path) -> Lab:
    """One lab from its folder.

    Raises:
        UserError: names the file, the key, what was found and what is allowed.
    """
    where = f"labs/{folder.name}/lab.toml"
    try:
        raw: dict[str, Any] = tomllib.loads((folder / "lab.toml").read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{where}: not valid TOML: {error}") from None
    match = _FOLDER.fullmatch(folder.name)
    _require(match is not None, where, f"the folder must be named d<domain>_<noun>, got {folder.name!r}")
    _require(set(raw) == set(_KEYS), where, _difference(set(raw)))
    _typed(raw, where)
    _require(raw["domain"] in DOMAINS, where, f"domain must be one of {_listed(map(str, DOMAINS))}")
    _require(folder.name.startswith(f"d{raw['domain']}_"), where, f"domain is {raw['domain']}, the folder says other")
    unknown = [task for task in raw["tasks"] if task not in TASKS]
    _require(not unknown and raw["tasks"], where, f"tasks must name some of {_listed(TASKS)}; got {raw['tasks']}")
    _require(raw["minutes"] > 0, where, f"minutes must be positive, got {raw['minutes']}")
    for text in ("title", "teaches"):
        _require(bool(raw[text].strip()), where, f"{text} must not be empty")
    return Lab(
        folder=folder,
        title=raw["title"],
        teaches=raw["teaches"],
        domain=raw["domain"],
        tasks=tuple(raw["tasks"]),
        minutes=raw["minutes"],
        needs=tuple(raw["needs"]),
        controls=tuple(raw["controls"]),
        availability=raw["availability"],
        quotas=tuple(_quota(entry, where) for entry in raw["quotas"]),
        sources=tuple(raw["sources"]),
    )


def _typed(raw: Mapping[str, Any], where: str) -> None:
    kinds: dict[str, type] = {"title": str, "teaches": str, "domain": int, "minutes": int, "availability": str}
    for key, value in raw.items():
        kind = kinds.get(key, list)
        _require(isinstance(value, kind), where, f"{key} must be a {kind.__name__}, got {value!r}")
        if kind is list and key != "quotas":
            _require(all(isinstance(item, str) for item in value), where, f"{key} must hold texts, got {value!r}")


def _quota(entry: Any, where: str) -> Quota:
    _require(isinstance(entry, dict) and set(entry) == _QUOTA_KEYS, where, f"each quota has {_listed(_QUOTA_KEYS)}")
    return Quota(**entry)


def _difference(found: set[str]) -> str:
    missing, extra = set(_KEYS) - found, found - set(_KEYS)
    parts = [f"lacks {_listed(missing)}"] if missing else []
    if extra:
        parts.append(f"has unknown {_listed(extra)}; allowed: {_listed(_KEYS)}")
    return "; ".join(parts)


def _refuse_cycles(labs: Sequence[Lab]) -> None:
    needs = {lab.name: lab.needs for lab in labs}

    def walk(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise UserError(f"labs need each other in a circle: {' -> '.join([*path[path.index(name) :], name])}")
        for need in needs[name]:
            walk(need, (*path, name))

    for name in needs:
        walk(name, ())


def _require(condition: bool, where: str, message: str) -> None:
    if not condition:
        raise UserError(f"{where}: {message}")


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))
