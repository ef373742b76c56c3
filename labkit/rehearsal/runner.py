"""Rehearses a lab: deploy, steps, verification, destroy and leftovers, exactly as in an account."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from labkit.assembly import Assembly
from labkit.catalogue import ROOT, Lab
from labkit.errors import UserError
from labkit.rehearsal.emulator import Emulator
from labkit.rehearsal.leftovers import compare
from labkit.rehearsal.report import Part, Report

Say = Callable[[str], None]
LOOK_SECONDS = 0.2


def rehearse_labs(
    pairs: Iterable[tuple[Lab, Assembly]], *, port: int = 0, say: Say = lambda text: None
) -> list[Report]:
    """Rehearse labs one after the other, each on an emulated AWS of its own.

    Args:
        pairs: labs with their assemblies.
        port: of the emulator on 127.0.0.1; 0 picks a free one.
        say: told what happens, line by line.

    Raises:
        UserError: the port is in use, or the emulator ended half-way.
    """
    reports = []
    for lab, assembly in pairs:
        say(f"Rehearsing {lab.name}")
        began = time.monotonic()
        with Emulator(
            region=assembly.region, port=port, progress=say, log=reports_folder(lab) / "emulator.log"
        ) as emulator:
            started = time.monotonic() - began
            report = rehearse(lab, assembly, emulator=emulator, say=say)
            report.seconds = {"start": started, **report.seconds}
        report.write(reports_folder(lab) / "rehearsal.json")
        reports.append(report)
    return reports


def reports_folder(lab: Lab) -> Path:
    """Where the report of a lab's last rehearsal is kept."""
    return ROOT / ".labs" / lab.name


def rehearse(lab: Lab, assembly: Assembly, *, emulator: Emulator, say: Say = lambda text: None) -> Report:
    """Rehearse one lab on a running emulator.

    A failed deployment or step is told in the report; the lab is destroyed and audited all the same.

    Raises:
        UserError: the emulator ended half-way.
    """
    report = Report(assembly.lab, assembly.stack, assembly.region, str(assembly.record.get("template_sha256", "")))
    with emulator.as_environment(state=reports_folder(lab) / "rehearsal"):
        run = _Run(lab, assembly, emulator, report, say)
        before = emulator.get("inventory")
        # Ctrl-C needs no clean-up: everything lives in the emulator, and ends with it.
        if run.deploy() and run.steps():
            run.verify()
        run.destroy()
        left, kept = compare(before, emulator.get("inventory"))
        ledger = emulator.get("ledger")
        # Nested stacks have names that begin with their parent's.
        report.resources = [one for one in ledger["resources"] if one["stack"].startswith(assembly.stack)]
        report.calls, report.notes = ledger["calls"], ledger["notes"]
        report.leftovers, report.kept = [asdict(one) for one in left], [asdict(one) for one in kept]
        run.audit()
    return report


class _Run:
    """The stages of one rehearsal."""

    def __init__(self, lab: Lab, assembly: Assembly, emulator: Emulator, report: Report, say: Say) -> None:
        self._lab, self._assembly, self._emulator, self._report, self._say = lab, assembly, emulator, report, say

    def deploy(self) -> bool:
        """Deploy the stack; False where it failed."""
        from labkit import sandbox

        now = datetime.fromisoformat(self._emulator.get("clock")["now"])
        hours = int(self._assembly.settings.get("hours_to_live", 4))
        with self._stage("deploy") as failed:
            sandbox.deploy(self._assembly, hours_to_live=hours, now=now, report=self._say, every=LOOK_SECONDS)
        return not failed

    def steps(self) -> bool:
        """Run the steps; False where one failed."""
        from labkit import sandbox

        with self._stage("steps") as failed:
            calls = self._calls()
            for done in sandbox.run_steps(self._lab, self._assembly, report=self._say):
                before, calls = calls, self._calls()
                self._emulator.check()
                self._report.steps.append(_part(done, before, calls))
        return not failed and not any(part.problem for part in self._report.steps)

    def verify(self) -> None:
        """Check the lab's claims."""
        from labkit import sandbox

        self._say("Verifying the lab's claims")
        with self._stage("verify"):
            before = self._calls()
            claims = sandbox.verify(self._lab, self._assembly)
            after = self._calls()
            self._report.claims += [_part(done, before, after) for done in claims]

    def destroy(self) -> None:
        """Remove the lab."""
        from labkit import sandbox

        self._say("Destroying the lab")
        with self._stage("destroy"):
            sandbox.destroy(self._lab, self._assembly, report=self._say, every=LOOK_SECONDS)

    def audit(self) -> None:
        """Add what the lab's own audit finds, which is the one that runs in an account."""
        from labkit import sandbox

        with self._stage("audit"):
            for one in sandbox.leftovers(self._lab, self._assembly):
                entry = {"kind": one.kind, "identifier": one.identifier, "kept": "" if one.costs else one.why}
                known = self._report.leftovers if one.costs else self._report.kept
                if not any(one.identifier.endswith(other["identifier"]) for other in known):
                    known.append(entry)

    def _calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._emulator.get("ledger")["calls"]
        return found

    @contextmanager
    def _stage(self, name: str) -> Iterator[list[str]]:
        """Time a stage; what goes wrong in it becomes a problem of the report, unless the emulator is dead."""
        failed: list[str] = []
        began = time.monotonic()
        try:
            yield failed
        except UserError as error:
            self._emulator.check()
            failed.append(f"{name}: {error}")
        except Exception as error:
            self._emulator.check()
            failed.append(f"{name}: {type(error).__name__}: {error} ({where(error, self._lab.folder)})")
        self._report.problems += failed
        self._report.seconds[name] = time.monotonic() - began


def _part(done: Any, before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> Part:
    """A step with the answers that it got and that no work stands behind."""
    counted = {(call["service"], call["operation"]): call["count"] for call in before}
    because = tuple(
        f"{call['service']} {call['operation']}: {call['because']}"
        for call in after
        if call["label"] == "not rehearsed" and call["count"] > counted.get((call["service"], call["operation"]), 0)
    )
    label = "not rehearsed" if because else "executed"
    return Part(done.name, done.title, done.seconds, label, because, done.problem)  # type: ignore[arg-type]


def where(error: Exception, folder: Path) -> str:
    """The last place in the lab's own files where an error passed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(folder))]
    if not frames:
        frames = traceback.extract_tb(error.__traceback__)[-1:]
    return f"{Path(frames[-1].filename).name} line {frames[-1].lineno}"
