"""What a step and a verification see of a deployed lab."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from labkit.errors import UserError

Answer = TypeVar("Answer")

CLOCK = "LABS_CLOCK_URL"


class StepFailed(Exception):
    """A step did not reach what it is for. The message says what was awaited and what was seen."""


class Outputs(Mapping[str, str]):
    """The stack's outputs by name; an unknown name is told with the ones there are."""

    def __init__(self, values: Mapping[str, str], stack: str) -> None:
        self._values, self._stack = dict(values), stack

    def __getitem__(self, name: str) -> str:
        if name not in self._values:
            raise UserError(f"Stack {self._stack} has no output {name}. It has: {', '.join(sorted(self._values))}")
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Session:
    """A deployed lab: its outputs, AWS clients, waiting with progress, and a small memory between steps.

    Args:
        lab: the lab's folder.
        stack: CloudFormation stack name.
        region: where it is deployed.
        outputs: the stack's outputs.
        folder: where plots and the memory are kept.
    """

    def __init__(self, *, lab: Path, stack: str, region: str, outputs: Mapping[str, str], folder: Path) -> None:
        self.lab = lab
        self.stack = stack
        self.region = region
        self.outputs = Outputs(outputs, stack)
        self.folder = folder
        self.data = lab / "data"
        self.src = lab / "src"
        self._clients: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def client(self, service: str) -> Any:
        """A boto3 client in the lab's region."""
        if service not in self._clients:
            import boto3

            self._clients[service] = boto3.client(service, region_name=self.region)
        return self._clients[service]

    def now(self) -> datetime:
        """The current time in UTC; a rehearsal has a clock of its own."""
        url = os.environ.get(CLOCK)
        if not url:
            return datetime.now(UTC)
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - loopback, set by the rehearsal
            return datetime.fromisoformat(json.load(answer)["now"])

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        url = os.environ.get(CLOCK)
        if not url:
            time.sleep(seconds)
            return
        request = urllib.request.Request(  # noqa: S310 - loopback, set by the rehearsal
            url, data=json.dumps({"seconds": seconds}).encode(), headers={"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=600).close()  # noqa: S310

    def wait(self, what: str, probe: Callable[[], Answer], *, timeout: float = 600, every: float = 15) -> Answer:
        """Ask until the answer is truthy, and return it.

        Args:
            what: what is awaited, shown as progress.
            probe: asks once.
            timeout: seconds to wait at most.
            every: seconds between two questions.

        Raises:
            StepFailed: it did not happen in time.
        """
        started = self.now()
        with self._progress(what) as show:
            while True:
                answer = probe()
                if answer:
                    return answer
                waited = (self.now() - started).total_seconds()
                if waited >= timeout:
                    raise StepFailed(f"{what}: not within {timeout:.0f} seconds; last answer: {answer!r}")
                show(f"{what} ({waited:.0f} s)")
                self.sleep(every)

    def say(self, text: str) -> None:
        """Tell the person a sentence."""
        self._console.print(text, highlight=False)

    def table(self, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show rows that share their keys."""
        from rich.table import Table

        shown = Table(title=title, title_justify="left")
        for column in rows[0] if rows else []:
            shown.add_column(str(column))
        for row in rows:
            shown.add_row(*(str(value) for value in row.values()))
        self._console.print(shown)

    def remember(self, key: str, value: Any) -> None:
        """Keep a small JSON value for a later step or the verification."""
        memory = self._memory()
        memory.setdefault("remembered", {})[key] = value
        self._keep(memory)

    def recall(self, key: str) -> Any:
        """A value that an earlier step kept.

        Raises:
            UserError: no step kept it yet.
        """
        remembered = self._memory().get("remembered", {})
        if key not in remembered:
            raise UserError(f"No step has noted {key!r} yet. Run the steps first: labs run {self.lab.name}")
        return remembered[key]

    def created(self, kind: str, identifier: str) -> None:
        """Note something made outside the stack, before it is made, so that destroying the lab removes it.

        Args:
            kind: CloudFormation type name, such as ``AWS::SageMaker::Model``.
            identifier: its name or id.
        """
        memory = self._memory()
        entries = memory.setdefault("created", [])
        if [kind, identifier] not in entries:
            entries.append([kind, identifier])
        self._keep(memory)

    def removed(self, kind: str, identifier: str) -> None:
        """Note that something made by a step is gone again."""
        memory = self._memory()
        memory["created"] = [entry for entry in memory.get("created", []) if entry != [kind, identifier]]
        self._keep(memory)

    @property
    def left_by_steps(self) -> list[tuple[str, str]]:
        """What steps made outside the stack and did not remove."""
        return [(kind, identifier) for kind, identifier in self._memory().get("created", [])]

    @property
    def _file(self) -> Path:
        return self.folder / "memory.json"

    def _memory(self) -> dict[str, Any]:
        if not self._file.exists():
            return {}
        try:
            memory: dict[str, Any] = json.loads(self._file.read_text())
        except ValueError:
            raise UserError(f"{self._file}: damaged. Delete it and run the steps again.") from None
        return memory

    def _keep(self, memory: Mapping[str, Any]) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(memory, indent=1, sort_keys=True))
        draft.replace(self._file)

    @cached_property
    def _console(self) -> Any:
        from labkit.console import console

        return console()

    def _progress(self, what: str) -> Any:
        from labkit.console import progress

        return progress(what)
