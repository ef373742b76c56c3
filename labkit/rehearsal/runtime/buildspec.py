"""A buildspec, read and checked; what CodeBuild would refuse is refused with its kind of message."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

PHASES = ("install", "pre_build", "build", "post_build")
_TOP = {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"}
_PHASE = {"run-as", "on-failure", "on-failure-retry", "runtime-versions", "commands", "finally", "steps"}
_ENV = {"shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"}
_ON_FAILURE = re.compile(r"ABORT|CONTINUE|RETRY(-\d+)?(-.+)?")


class BuildspecError(Exception):
    """What is wrong with a buildspec: the message of the phase DOWNLOAD_SOURCE with status ``YAML_FILE_ERROR``."""


@dataclass(frozen=True)
class Phase:
    """One phase; ``on_failure`` is ``""``, ``ABORT`` or ``CONTINUE``."""

    commands: tuple[str, ...] = ()
    final: tuple[str, ...] = ()
    on_failure: str = ""


@dataclass(frozen=True)
class Artifact:
    """What to take from the build, and how to lay it out."""

    files: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    base: str = ""
    discard_paths: bool = False
    name: str = ""


@dataclass(frozen=True)
class Buildspec:
    """A whole buildspec.

    Args:
        notes: parts that are understood and not acted on, each in words for the report.
    """

    version: str
    phases: dict[str, Phase]
    variables: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    shell: str = "sh"
    artifact: Artifact | None = None
    secondary: dict[str, Artifact] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def parse(text: str) -> Buildspec:
    """Read a buildspec.

    Raises:
        BuildspecError: it is no YAML, or not of the documented form.
    """
    yaml: Any = import_module("yaml")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecError(f"YAML file error: {error}") from None
    if not isinstance(content, dict):
        raise BuildspecError("YAML file error: the buildspec is not a map")
    version = str(content.get("version", ""))
    if version not in ("0.1", "0.2"):
        raise BuildspecError(f"Invalid buildspec version: {version or 'none'} given; 0.1 and 0.2 are supported")
    _known(content, _TOP, "buildspec")
    if not isinstance(content.get("phases"), dict):
        raise BuildspecError("YAML file error: phases is missing")
    _known(content["phases"], set(PHASES), "phases")
    env = content.get("env") or {}
    _known(env, _ENV, "env")
    artifacts = content.get("artifacts") or {}
    if artifacts and "files" not in artifacts and not artifacts.get("secondary-artifacts"):
        raise BuildspecError("YAML file error: artifacts.files is missing")
    return Buildspec(
        version=version,
        phases={name: _phase(name, given or {}) for name, given in content["phases"].items()},
        variables=_texts(env.get("variables")),
        parameters=_texts(env.get("parameter-store")),
        secrets=_texts(env.get("secrets-manager")),
        exported=tuple(env.get("exported-variables") or ()),
        shell=_shell(env.get("shell")),
        artifact=_artifact(artifacts) if artifacts.get("files") else None,
        secondary={name: _artifact(given) for name, given in (artifacts.get("secondary-artifacts") or {}).items()},
        notes=tuple(_notes(content)),
    )


def _phase(name: str, given: dict[str, Any]) -> Phase:
    _known(given, _PHASE, f"phases.{name}")
    on_failure = str(given.get("on-failure") or "")
    if on_failure and not _ON_FAILURE.fullmatch(on_failure):
        raise BuildspecError(
            f"YAML file error: phases.{name}.on-failure: {on_failure} given; ABORT, CONTINUE and RETRY are allowed"
        )
    commands, final = given.get("commands") or [], given.get("finally") or []
    for item in [*commands, *final]:
        if not isinstance(item, str | int | float):
            raise BuildspecError(
                f"YAML file error: phases.{name}: Expected Commands[] to be of string type: found {item}"
            )
    return Phase(
        tuple(str(item) for item in commands),
        tuple(str(item) for item in final),
        on_failure if on_failure in ("ABORT", "CONTINUE") else "",
    )


def _artifact(given: dict[str, Any]) -> Artifact:
    files = given.get("files") or []
    exclude = given.get("exclude-paths") or []
    return Artifact(
        files=tuple([files] if isinstance(files, str) else files),
        exclude=tuple([exclude] if isinstance(exclude, str) else exclude),
        base=str(given.get("base-directory") or ""),
        discard_paths=str(given.get("discard-paths", "no")).lower() in ("yes", "true"),
        name=str(given.get("name") or ""),
    )


def _shell(given: Any) -> str:
    if given in (None, "sh", "/bin/sh"):
        return "sh"
    if given == "bash":
        return "bash"
    raise BuildspecError(f"YAML file error: env.shell: {given} given; the rehearsal runs sh and bash")


def _notes(content: dict[str, Any]) -> list[str]:
    found = []
    if content.get("reports"):
        found.append("buildspec reports are not read; no report group gets results")
    if content.get("cache"):
        found.append("buildspec cache: nothing is kept between builds")
    if content.get("run-as") or any((phase or {}).get("run-as") for phase in content["phases"].values()):
        found.append("buildspec run-as: commands run as this user")
    if any((phase or {}).get("runtime-versions") for phase in content["phases"].values()):
        found.append("buildspec runtime-versions: this project's Python is used")
    if any(str((phase or {}).get("on-failure", "")).startswith("RETRY") for phase in content["phases"].values()):
        found.append("buildspec on-failure RETRY: a failed phase is not tried again")
    if content.get("batch"):
        found.append("buildspec batch: one build runs, not its parts")
    return found


def _known(given: Any, allowed: set[str], where: str) -> None:
    if not isinstance(given, dict):
        raise BuildspecError(f"YAML file error: {where} is not a map")
    if unknown := sorted(str(name) for name in given.keys() - allowed):
        raise BuildspecError(f"YAML file error: unknown keys in {where}: {', '.join(unknown)}")


def _texts(given: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in (given or {}).items()}
