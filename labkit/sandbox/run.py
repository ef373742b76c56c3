"""Runs a lab's steps and its verification against what is deployed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from labkit.assembly import Assembly
from labkit.catalogue import ROOT, Lab
from labkit.errors import UserError
from labkit.sandbox.account import Account, told
from labkit.sandbox.deploy import outputs, status
from labkit.session import Session, StepFailed

Report = Callable[[str], None]

# Set by a rehearsal, so that it does not touch the notes of a lab that is really deployed.
STATE = "LABS_STATE"


@dataclass(frozen=True)
class Done:
    """One step or claim, and how it went."""

    name: str
    title: str
    seconds: float
    problem: str = ""


def open_session(lab: Lab, assembly: Assembly) -> Session:
    """The session of a deployed lab.

    Raises:
        UserError: the lab is not deployed.
    """
    account = Account(assembly)
    stacks = account.client("cloudformation")
    state = status(stacks, assembly.stack)
    if state is None or not state.endswith("_COMPLETE") or state.startswith(("ROLLBACK", "DELETE")):
        raise UserError(
            f"Lab {lab.name} is not deployed in {account.region} of account {account.id} "
            f"(stack {assembly.stack}: {state or 'none'}). Run: labs deploy {lab.name}"
        )
    return Session(
        lab=lab.folder,
        stack=assembly.stack,
        region=assembly.region,
        outputs=outputs(stacks, assembly.stack),
        folder=state_folder(lab),
    )


def state_folder(lab: Lab) -> Path:
    """Where plots, notes and reports of a lab are kept; a rehearsal sets a place of its own."""
    return Path(os.environ.get(STATE) or ROOT / ".labs" / lab.name)


def run_steps(
    lab: Lab, assembly: Assembly, *, only: Sequence[str] = (), report: Report = lambda text: None
) -> Iterator[Done]:
    """Run the steps in order, yielding each as it ends; stops after one that fails.

    Args:
        lab: from the catalogue.
        assembly: what was deployed.
        only: step numbers or names, such as ``03``; default: all.
        report: told the title of each step before it runs.
    """
    session = open_session(lab, assembly)
    chosen = [step for step in lab.steps if not only or any(step.stem.startswith(name) for name in only)]
    if not chosen:
        raise UserError(f"Lab {lab.name} has no step {', '.join(only)}. Steps: {', '.join(s.stem for s in lab.steps)}")
    for path in chosen:
        module = _load(path)
        title = (module.__doc__ or path.stem).strip().splitlines()[0]
        report(f"{path.stem[:2]} {title}")
        began = time.monotonic()
        problem = ""
        try:
            with told():
                module.run(session)
        except (StepFailed, UserError, AssertionError) as error:
            problem = str(error) or type(error).__name__
        yield Done(path.stem, title, time.monotonic() - began, problem)
        if problem:
            return


def verify(lab: Lab, assembly: Assembly) -> list[Done]:
    """Check each claim of ``verify.py`` against what is deployed.

    Raises:
        UserError: the lab is not deployed, or the verification could not be collected.
    """
    session = open_session(lab, assembly)
    results = session.folder / "verify.xml"
    results.unlink(missing_ok=True)
    handed = session.folder / "session.json"
    handed.write_text(
        json.dumps(
            {
                "lab": str(lab.folder),
                "stack": session.stack,
                "region": session.region,
                "outputs": dict(session.outputs),
                "folder": str(session.folder),
            }
        )
    )
    command = [
        sys.executable, "-m", "pytest", "-p", "labkit.sandbox.verify_plugin", "-p", "no:cacheprovider", "-q",
        "--import-mode=importlib", "--rootdir", str(lab.folder), "-c", "/dev/null", "--tb=short",
        f"--session={handed}", f"--junitxml={results}", str(lab.folder / "verify.py"),
    ]  # fmt: skip
    finished = subprocess.run(command, capture_output=True, text=True, cwd=lab.folder, check=False)
    if not results.exists():
        raise UserError(f"labs/{lab.name}/verify.py could not run:\n{(finished.stdout + finished.stderr)[-2000:]}")
    claims = []
    for case in ElementTree.parse(results).getroot().iter("testcase"):  # noqa: S314 - written by our own process
        problem = ""
        for kind in ("failure", "error"):
            found = case.find(kind)
            if found is not None:
                problem = (found.get("message") or found.text or kind).strip()
        if case.find("skipped") is not None:
            problem = "skipped: a claim must be checked"
        title = next(
            (p.get("value", "") for p in case.iter("property") if p.get("name") == "claim"), case.get("name", "")
        )
        claims.append(Done(case.get("name", ""), title, float(case.get("time", "0")), problem))
    if not claims:
        raise UserError(f"labs/{lab.name}/verify.py holds no claim:\n{(finished.stdout + finished.stderr)[-2000:]}")
    return claims


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"step_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not callable(getattr(module, "run", None)):
        raise UserError(f"labs/{path.parent.parent.name}/steps/{path.name} must define run(session)")
    return module
