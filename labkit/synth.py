"""Many labs in one process, each into its own cloud assembly; what has not changed is not made again."""

from __future__ import annotations

import atexit
import gc
import hashlib
import importlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.assembly import RECORD, Assembly
from labkit.catalogue import ROOT, Lab, pick
from labkit.digest import digest
from labkit.engine import environment
from labkit.errors import UserError

if TYPE_CHECKING:
    import aws_cdk as cdk

    from stacks.lab_stack import LabStack
    from stacks.settings import Settings

OUT = ROOT / "cdk.out"

# cdk-nag's rule packs, by class name.
PACKS = (
    "AwsSolutionsChecks",
    "HIPAASecurityChecks",
    "NIST80053R4Checks",
    "NIST80053R5Checks",
    "PCIDSS321Checks",
    "ServerlessChecks",
)

# Findings are read from CDK's report and joined with what was accepted: CDK neither prints them nor fails for them.
_REPORTED_HERE = {"@aws-cdk/core:failSynthOnValidationErrors": False}
# What besides the lab's own folder decides a template.
_SHARED = ("stacks", "labkit/synth.py", "labkit/assembly.py", "cdk.json", "requirements/base.txt")
# Parts of a lab's folder that no template depends on.
_APART = {"README.md", "architecture.svg", "verify.py", "steps", "tests", "__pycache__"}
# Folders that were being written when a person stopped it.
_interrupted: list[Path] = []


@dataclass(frozen=True)
class Outcome:
    """One synthesized lab and whether it had to be made."""

    lab: Lab
    assembly: Assembly
    made: bool


def synth(
    labs: Sequence[Lab],
    *,
    given: Mapping[str, Any] | None = None,
    out: Path = OUT,
    file: Path | None = ROOT / "settings.toml",
    validate: bool = False,
    progress: Callable[[Lab], None] = lambda lab: None,
) -> list[Outcome]:
    """Write the cloud assembly of each lab to ``out/<lab>/``, with the findings of the six cdk-nag packs.

    Args:
        labs: from the catalogue.
        given: settings that override ``settings.toml``.
        out: folder of the assemblies.
        file: the user's settings; None: only defaults and ``given``.
        validate: also run CDK's own CloudFormation validator, which takes seconds to start.
        progress: called before a lab is made.

    Raises:
        UserError: a setting, a file or a stack is wrong; nothing half-written stays behind.
    """
    shared = digest(ROOT / name for name in _SHARED)
    chosen = _settings_text(given, file)
    found: dict[str, Assembly] = {}
    missing = []
    for lab in labs:
        fingerprint = _fingerprint(lab, shared, chosen)
        kept = _kept(out / lab.name, fingerprint, validated=validate)
        if kept is None:
            missing.append((lab, fingerprint))
        else:
            found[lab.name] = kept
    if missing:
        prepare((lab for lab, _ in missing), validate=validate)
        settings = load_settings(given, file)
        for lab, fingerprint in missing:
            progress(lab)
            found[lab.name] = _make(lab, settings, out, fingerprint, validated=validate)
    made = {lab.name for lab, _ in missing}
    return [Outcome(lab, found[lab.name], lab.name in made) for lab in labs]


def add_labs(app: cdk.App, *, wanted: str | None, root: Path = ROOT) -> None:
    """Add the wanted labs to an app of the CDK command line, with the packs that refuse open findings.

    Args:
        app: CDK's app.
        wanted: lab names separated by commas; default: all.

    Raises:
        UserError: no such lab, or a setting is wrong.
    """
    import aws_cdk as cdk

    from stacks.acceptance import acknowledge
    from stacks.settings import Settings

    names = [name.strip() for name in wanted.split(",")] if wanted else []
    given = {name: value for name in Settings.model_fields if (value := app.node.try_get_context(name)) is not None}
    settings = load_settings(given)
    for lab in pick(names, root):
        acknowledge(_stack(app, lab, settings))
    cdk.Validations.of(app).add_plugins(*_packs())


def load_settings(given: Mapping[str, Any] | None = None, file: Path | None = ROOT / "settings.toml") -> Settings:
    """The user's settings.

    Raises:
        UserError: names the setting, what was given and what is allowed.
    """
    from stacks.settings import Settings, SettingsError

    try:
        return Settings.load(file, given)
    except SettingsError as error:
        raise UserError(str(error)) from None


def settings_table() -> list[dict[str, str]]:
    """One row per setting, for the documents."""
    from stacks.settings import describe

    return describe()


def prepare(labs: Iterable[Lab], *, validate: bool = False) -> None:
    """Start CDK's engine and import all that the labs need, once per process.

    Args:
        labs: whose stacks will be made.
        validate: with CDK's own CloudFormation validator.

    Raises:
        UserError: the ``stack.py`` of a lab is wrong.
    """
    first = "aws_cdk" not in sys.modules
    _switch_validator(on=validate)
    if first:
        # Modules stay: looking for garbage among them would be a quarter of the time that importing them takes.
        gc.disable()
        # Registered before the engine's own end, so called after it: an interrupted engine may write until then.
        atexit.register(_clear)
    try:
        importlib.import_module("cdk_nag")
        for lab in labs:
            _class(lab)
    finally:
        if first:
            gc.freeze()
            gc.enable()


def _switch_validator(*, on: bool) -> None:
    """CDK's engine reads the switch once, when it starts with the first import of aws_cdk."""
    wanted = environment(validate=on)
    if "aws_cdk" in sys.modules and os.environ.get("CDK_VALIDATION", "true") != wanted["CDK_VALIDATION"]:
        raise RuntimeError(f"aws_cdk runs in this process with the validator {'off' if on else 'on'}")
    os.environ.update(wanted)


def _make(lab: Lab, settings: Settings, out: Path, fingerprint: str, *, validated: bool = False) -> Assembly:
    import aws_cdk as cdk

    draft = out / f".{lab.name}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        context = json.loads((ROOT / "cdk.json").read_text())["context"] | _REPORTED_HERE
        app = cdk.App(outdir=str(draft), context=context, analytics_reporting=False, tree_metadata=False)
        stack = _stack(app, lab, settings)
        cdk.Validations.of(app).add_plugins(*_packs())
        _run(app, lab)
        record = {**_record(lab, stack, settings, draft, fingerprint, validated=validated), "validated": validated}
        (draft / RECORD).write_text(json.dumps(record, sort_keys=True) + "\n")
        final = out / lab.name
        shutil.rmtree(final, ignore_errors=True)
        draft.rename(final)
    except KeyboardInterrupt:
        _interrupted.append(draft)
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Assembly(final, record)


def _clear() -> None:
    for draft in _interrupted:
        shutil.rmtree(draft, ignore_errors=True)


def _stack(app: cdk.App, lab: Lab, settings: Settings) -> LabStack:
    with _blamed(lab):
        return _class(lab)(app, folder=lab.folder, title=lab.title, settings=settings)


def _class(lab: Lab) -> type[LabStack]:
    from stacks.lab_stack import stack_class

    with _blamed(lab):
        return stack_class(lab.folder)


@contextmanager
def _blamed(lab: Lab) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, ValueError) as error:
        raise UserError(f"labs/{lab.name}/stack.py: {error}") from error


@cache
def _packs() -> tuple[Any, ...]:
    """The packs, which begin anew with each app that they look at."""
    import cdk_nag

    return tuple(getattr(cdk_nag, name)() for name in PACKS)


def _run(app: cdk.App, lab: Lab) -> None:
    try:
        app.synth()
    except RuntimeError as error:
        raise UserError(f"labs/{lab.name}/stack.py: {str(error).splitlines()[0]}") from error


def _record(
    lab: Lab, stack: LabStack, settings: Settings, draft: Path, fingerprint: str, *, validated: bool
) -> dict[str, Any]:
    template = (draft / f"{lab.stack}.template.json").read_bytes()
    from stacks.acceptance import packs

    paths = _paths(draft, lab.stack)
    found, below = _findings(draft, paths), f"{lab.stack}/"
    return {
        "lab": lab.name,
        "stack": lab.stack,
        "region": settings.region,
        "partition": settings.partition,
        "fingerprint": fingerprint,
        "template_sha256": hashlib.sha256(template).hexdigest(),
        "versions": dict(_versions()),
        "settings": settings.model_dump(mode="json"),
        "paths": {logical: path.removeprefix(below) for path, logical in paths.items()},
        "packs": list(PACKS),
        "findings": [row for row in found if row["engine"] in packs()],
        "validator": [row for row in found if row["engine"] not in packs()],
        **(_guarded(template, settings.region) if validated else {}),
        "accepted": _accepted(stack, paths),
    }


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    return tuple((name, version(name)) for name in ("aws-cdk-lib", "cdk-nag"))


def _guarded(template: bytes, region: str) -> dict[str, Any]:
    """What the Guard rules find, and which rules those were."""
    from stacks.judge import guard
    from stacks.rules.kit.guard import digest

    try:
        return {"guard": guard(json.loads(template), region=region), "guard_rules": digest()}
    except ValueError as error:
        raise UserError(f"Guard did not look at the template: {error}") from error


def _paths(draft: Path, stack: str) -> dict[str, str]:
    """Construct path to logical id, from the assembly's manifest."""
    artifact = json.loads((draft / "manifest.json").read_text())["artifacts"][stack]
    metadata = artifact.get("metadata") or json.loads((draft / artifact["additionalMetadataFile"]).read_text())
    return {
        path.strip("/"): entry["data"]
        for path, entries in metadata.items()
        for entry in entries
        if entry["type"] == "aws:cdk:logicalId"
    }


def _findings(draft: Path, paths: Mapping[str, str]) -> list[dict[str, Any]]:
    from stacks.acceptance import packs

    file = draft / "validation-report.json"
    report = json.loads(file.read_text()) if file.exists() else {"pluginReports": []}
    found = []
    for plugin in report["pluginReports"]:
        # What is acknowledged is read too: only what stands in acceptances is accepted.
        for violation in (*plugin.get("violations", ()), *plugin.get("suppressedViolations", ())):
            for construct in violation["violatingConstructs"]:
                path = construct["constructPath"]
                rule = violation["ruleName"].split("[")[0]
                known = packs().get(plugin["pluginName"], {}).get(rule, {})
                found.append(
                    {
                        "engine": plugin["pluginName"],
                        "rule": rule,
                        "finding": violation["ruleName"],
                        "level": violation["severity"],
                        "logical_id": paths.get(path, ""),
                        "path": path,
                        "description": violation["description"],
                        "controls": known.get("controls", []),
                    }
                )
    return sorted(found, key=lambda row: (row["engine"], row["finding"], row["path"]))


def _accepted(stack: LabStack, paths: Mapping[str, str]) -> list[dict[str, Any]]:
    from stacks.acceptance import acceptances

    below: dict[str, list[str]] = {}
    for path, logical in paths.items():
        parts = path.split("/")
        for length in range(1, len(parts) + 1):
            below.setdefault("/".join(parts[:length]), []).append(logical)
    rows = [
        {
            "engine": record.engine,
            "rule": record.rule,
            "path": record.path,
            "logical_ids": sorted(below.get(record.path, ())),
            "because": record.because,
            "kind": record.kind,
            "owner": record.owner,
            "review_by": record.review_by,
        }
        for record in acceptances(stack)
    ]
    return sorted(rows, key=lambda row: (str(row["engine"]), str(row["rule"]), str(row["path"])))


def _kept(folder: Path, fingerprint: str, *, validated: bool) -> Assembly | None:
    """An assembly that is whole, was made from the same inputs, and was validated if that is asked."""
    try:
        assembly = Assembly.read(folder)
        template = (folder / f"{assembly.stack}.template.json").read_bytes()
        complete = all(asset.path.exists() for asset in assembly.assets)
    except (UserError, OSError):
        return None
    whole = complete and assembly.record.get("template_sha256") == hashlib.sha256(template).hexdigest()
    same = assembly.record.get("fingerprint") == fingerprint
    return assembly if whole and same and (assembly.record.get("validated") or not validated) else None


def _fingerprint(lab: Lab, shared: str, settings: str) -> str:
    own = digest(path for path in sorted(lab.folder.iterdir()) if path.name not in _APART)
    return hashlib.sha256(f"{lab.name}\0{shared}\0{own}\0{settings}".encode()).hexdigest()


def _settings_text(given: Mapping[str, Any] | None, file: Path | None) -> str:
    text = file.read_text() if file and file.exists() else ""
    return json.dumps([text, dict(given or {})], sort_keys=True, default=str)
