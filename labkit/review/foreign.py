"""Templates that are not ours: any CDK assembly, or a folder of CloudFormation templates in JSON or YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.assembly import RECORD, Assembly
from labkit.errors import UserError
from labkit.review.documents import DocumentError, read_document

_ENDINGS = (".json", ".yaml", ".yml", ".template")
# Beside templates in an assembly, and in any project.
_NO_TEMPLATES = (
    *("manifest.json", "tree.json", "cdk.json", "cdk.context.json", "package.json", "package-lock.json"),
    *("validation-report.json", "policy-validation-report.json", "tsconfig.json", "cdk.out"),
)
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Foreign(Assembly):
    """A template of somebody else, as the engines read it.

    Args:
        file: the template.
        named: construct paths by logical id, where an assembly tells them.
    """

    file: Path = Path()
    named: dict[str, str] = field(default_factory=dict)

    @property
    def template_file(self) -> Path:
        return self.file

    @property
    def paths(self) -> dict[str, str]:
        return dict(self.named)

    @cached_property
    def template(self) -> dict[str, Any]:
        try:
            return read_document(self.file)
        except DocumentError as error:
            raise UserError(f"{self.file}: {error}") from None


def read_folder(folder: Path, *, region: str | None = None) -> list[Assembly]:
    """Find every stack in a folder: labs that were synthesized, a CDK assembly, or plain templates.

    Args:
        folder: such as ``cdk.out`` of any CDK app.
        region: where the templates are for; default: what an assembly says, else us-east-1.

    Raises:
        UserError: there is none, or a file is broken; every broken file is named.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder. Give a CDK assembly (cdk.out) or a folder of templates.")
    if (folder / RECORD).exists():
        return [Assembly.read(folder)]
    labs = sorted(path.parent for path in folder.glob(f"*/{RECORD}"))
    if labs:
        return [Assembly.read(lab) for lab in labs]
    found = list(_assembly(folder, region) if (folder / "manifest.json").exists() else _templates(folder, region))
    broken = [problem for one in found for problem in _problems(one)]
    if broken:
        raise UserError("\n".join(broken))
    stacks = [one for one in found if isinstance(one.template.get("Resources"), dict)]
    if not stacks:
        raise UserError(
            f"{folder}: holds no CloudFormation template. Looked for files with Resources, ending in {', '.join(_ENDINGS)}."
        )
    return list(stacks)


def _assembly(folder: Path, region: str | None) -> Iterator[Foreign]:
    """The stacks of a cloud assembly, and of those nested in it."""
    try:
        artifacts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
        entries = sorted(artifacts.items())
    except (OSError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{folder / 'manifest.json'}: not the manifest of a CDK assembly ({type(error).__name__})"
        ) from None
    for name, artifact in entries:
        kind, told = artifact.get("type"), artifact.get("properties", {})
        if kind == "aws:cloudformation:stack":
            place = str(artifact.get("environment", "")).rpartition("/")[2]
            metadata = artifact.get("metadata") or _metadata(folder, artifact)
            known = place if place and not place.startswith("unknown") else DEFAULT_REGION
            yield _foreign(name, folder / str(told.get("templateFile")), region or known, _logical_ids(metadata))
        elif kind == "cdk:cloud-assembly":
            yield from _assembly(folder / str(told.get("directoryName")), region)


def _templates(folder: Path, region: str | None) -> Iterator[Foreign]:
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") or part == "node_modules" for part in file.relative_to(folder).parts)
        if file.is_file() and file.suffix in _ENDINGS and file.name not in _NO_TEMPLATES and not hidden:
            name = file.relative_to(folder).as_posix().removesuffix(file.suffix).removesuffix(".template")
            yield _foreign(name, file, region or DEFAULT_REGION, {})


def _foreign(name: str, file: Path, region: str, paths: dict[str, str]) -> Foreign:
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    record = {
        "lab": name,
        "stack": name,
        "region": region,
        "partition": partition,
        "findings": [],
        "accepted": [],
        "versions": {},
    }
    return Foreign(folder=file.parent, record=record, file=file, named=paths)


def _problems(one: Foreign) -> list[str]:
    try:
        one.template  # noqa: B018
    except UserError as error:
        return [str(error)]
    return []


def _metadata(folder: Path, artifact: dict[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / artifact["additionalMetadataFile"]).read_text(encoding="utf-8"))
    except (KeyError, OSError, ValueError):
        return {}
    return found


def _logical_ids(metadata: dict[str, Any]) -> dict[str, str]:
    """Logical id to construct path below the stack."""
    return {
        str(entry.get("data")): path.strip("/").partition("/")[2]
        for path, entries in metadata.items()
        for entry in entries
        if entry.get("type") == "aws:cdk:logicalId"
    }
