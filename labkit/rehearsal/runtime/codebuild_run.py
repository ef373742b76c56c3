"""One build: its phases in order, its commands really executed, every step told in its record and its log."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labkit.rehearsal.runtime import codebuild_environment
from labkit.rehearsal.runtime.buildspec import PHASES, Artifact, Buildspec, BuildspecError, Phase, parse
from labkit.rehearsal.runtime.codebuild_environment import SetupError
from labkit.rehearsal.runtime.codebuild_files import FilesError, chosen
from labkit.rehearsal.runtime.codebuild_shell import Shell

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

Record = dict[str, Any]
# Fetches a source into a folder; stores the files of an artifact. Both are told the identifier, "" for the primary one.
Fetch = Callable[[Path], None]
Store = Callable[[str, Artifact, dict[str, Path]], None]


class _Ended(Exception):
    """The build was stopped or ran out of time."""


class Run:
    """Carries out one build.

    Args:
        record: the build as the API shows it; it is kept up to date.
        sources: how to fetch the primary source (``""``) and the secondary ones, by identifier.
        store: stores an artifact.
        write: takes lines for the log.
        tell: called when a phase ended.
    """

    def __init__(
        self,
        context: Context,
        record: Record,
        *,
        folder: Path,
        sources: dict[str, Fetch],
        store: Store,
        write: Callable[[str], None],
        tell: Callable[[Record], None],
    ) -> None:
        self._context, self.record, self._folder = context, record, folder
        self._sources, self._store, self._write, self._tell = sources, store, write, tell
        self._secrets: list[str] = []
        self._shell: Shell | None = None
        self._stop = threading.Event()

    def stop(self) -> None:
        """End the build as StopBuild does."""
        self._stop.set()
        if self._shell is not None:
            self._shell.stop()

    def carry_out(self) -> None:
        """Run the whole build; the record says how it went."""
        status = "SUCCEEDED"
        try:
            self._begin("PROVISIONING")
            codebuild_environment.check_network(self._context, self.record.get("vpcConfig") or {})
            self._end("SUCCEEDED")
            status = self._phases()
        except _Ended:
            status = "STOPPED" if self._stop.is_set() else "TIMED_OUT"
            self._end(status, status, "Build was stopped" if self._stop.is_set() else "Build timed out. ")
        except (BuildspecError, SetupError, FilesError) as error:
            self._end("FAILED", getattr(error, "code", "YAML_FILE_ERROR"), str(error))
            status = "FAILED"
        finally:
            if self._shell is not None:
                self._shell.close()
            shutil.rmtree(self._folder, ignore_errors=True)
        self._begin("FINALIZING")
        self._end("SUCCEEDED")
        self.record["endTime"] = self._context.clock.now()
        self._begin("COMPLETED")
        self.record["buildStatus"], self.record["buildComplete"] = status, True

    def _phases(self) -> str:
        self._begin("DOWNLOAD_SOURCE")
        places = {name: self._folder / "src" / (name or "primary") for name in {"": None, **self._sources}}
        for name, place in places.items():
            place.mkdir(parents=True, exist_ok=True)
            if fetch := self._sources.get(name):
                fetch(place)
        spec = self._buildspec(places[""])
        for note in spec.notes:
            self._context.ledger.note(note, about=self.record["projectName"])
        self._open_shell(spec, places)
        self._end("SUCCEEDED")
        good = True
        for name in PHASES:
            if name not in spec.phases:
                continue
            phase = spec.phases[name]
            well = self._phase(name, phase, good)
            good = good and well
            # A failed build phase goes on to post_build, an earlier one does not (build phase transitions).
            goes_on = phase.on_failure == "CONTINUE" or (
                name in ("build", "post_build") and phase.on_failure != "ABORT"
            )
            if not well and not goes_on:
                return "FAILED"
        self._export(spec)
        # "The UPLOAD_ARTIFACTS phase is always attempted, even if the BUILD phase fails."
        self._begin("UPLOAD_ARTIFACTS")
        self._upload(spec, places[""])
        self._end("SUCCEEDED")
        return "SUCCEEDED" if good else "FAILED"

    def _buildspec(self, source: Path) -> Buildspec:
        given = self.record["source"].get("buildspec") or ""
        if "\n" in given or given.lstrip().startswith("{") or given.startswith("version:"):
            return parse(given)
        path = source / (given or "buildspec.yml")
        if not path.resolve().is_relative_to(source.resolve()) or not path.is_file():
            raise BuildspecError(f"YAML_FILE_ERROR: stat {given or 'buildspec.yml'}: no such file or directory")
        return parse(path.read_text())

    def _open_shell(self, spec: Buildspec, places: dict[str, Path]) -> None:
        home = self._folder / "home"
        home.mkdir()
        environment = codebuild_environment.variables(self._context, self.record, spec, places, home)
        self._secrets = codebuild_environment.secret_values(self.record, spec, environment)
        self._shell = Shell(
            folder=self._folder / "shell",
            source=places[""],
            environment=environment,
            port=urlsplit(self._context.url).port or 80,
            write=self._log,
            program=spec.shell,
        )

    def _phase(self, name: str, phase: Phase, good: bool) -> bool:
        shell = self._running()
        self._begin(name.upper())
        # Only this one variable changes while a build runs.
        problem = self._commands((f"export CODEBUILD_BUILD_SUCCEEDING={int(good)}",), quiet=True)
        problem = problem or self._commands(phase.commands)
        last = self._commands(phase.final)
        problem = problem or last
        if not shell.isolated:
            self._context.ledger.note(
                "this machine grants no network namespace: a build's commands could reach other networks",
                about=self.record["projectName"],
            )
        self._end("FAILED" if problem else "SUCCEEDED", "COMMAND_EXECUTION_ERROR" if problem else "", problem)
        return not problem

    def _commands(self, commands: tuple[str, ...], *, quiet: bool = False) -> str:
        shell = self._running()
        for command in commands:
            if not quiet:
                self._say(f"Running command {command}")
            code = shell.run(command, deadline=self._late)
            if code is None or self._late():
                shell.stop()
                raise _Ended
            if code != 0:
                message = f"Error while executing command: {command}. Reason: exit status {code}"
                self._say(f"Command did not exit successfully {command} exit status {code}")
                return message
        return ""

    def _export(self, spec: Buildspec) -> None:
        if not spec.exported:
            return
        known = self._running().variables()
        self.record["exportedEnvironmentVariables"] = [
            {"name": name, "value": known[name]} for name in spec.exported if name in known
        ]

    def _upload(self, spec: Buildspec, source: Path) -> None:
        wanted = self.record.get("artifacts") or {}
        if wanted.get("type", "NO_ARTIFACTS") != "NO_ARTIFACTS":
            if spec.artifact is not None:
                self._store("", spec.artifact, chosen(spec.artifact, source))
            elif not spec.secondary:
                self._say("No artifact files are named in the buildspec")
        for name, artifact in spec.secondary.items():
            self._store(name, artifact, chosen(artifact, source))

    def _running(self) -> Shell:
        assert self._shell is not None
        return self._shell

    def _late(self) -> bool:
        # A build may be stopped before its shell is there.
        if self._stop.is_set():
            return True
        limit = timedelta(minutes=float(self.record["timeoutInMinutes"]))
        return bool(self._context.clock.now() - self.record["startTime"] > limit)

    def _begin(self, phase: str) -> None:
        self.record["currentPhase"] = phase
        self.record["phases"].append({"phaseType": phase, "startTime": self._context.clock.now()})
        if phase not in ("COMPLETED", "PROVISIONING"):
            self._say(f"Entering phase {phase}")

    def _end(self, status: str, code: str = "", message: str = "") -> None:
        last = self.record["phases"][-1]
        last["endTime"] = self._context.clock.now()
        last["durationInSeconds"] = int((last["endTime"] - last["startTime"]).total_seconds())
        last["phaseStatus"] = status
        last["contexts"] = [{"statusCode": code, "message": self._masked(message)}] if code else []
        if last["phaseType"] != "PROVISIONING":
            self._say(f"Phase complete: {last['phaseType']} State: {status}")
            self._say(f"Phase context status code: {code} Message: {message}")
        self._tell(last)

    def _say(self, text: str) -> None:
        line = f"[Container] {self._context.clock.now():%Y/%m/%d %H:%M:%S.%f} {text}"
        if self._shell is not None:
            try:
                self._shell.say(line)  # through the same pipe as the commands' output, so in the right place
                return
            except OSError:  # the shell is closed
                pass
        self._log(line)

    def _log(self, line: str) -> None:
        self._write(self._masked(line))

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
