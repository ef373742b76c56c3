"""Jobs that run in the background: named once, listed, stopped, and over before their folder is removed."""

from __future__ import annotations

import itertools
import shutil
import threading
import traceback
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.announcing import announce
from labkit.rehearsal.runtime.container import Container

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context
    from labkit.rehearsal.runtime.pace import Pace

# A container that got SIGTERM has this long before it is killed (StopTrainingJob, StopProcessingJob).
GRACE_SECONDS = 120.0
_LOOK_SECONDS = 0.05
_SYNC_EVERY = 4


class JobError(Exception):
    """Why a job failed, as FailureReason says it."""


class Job:
    """One job; a subclass says what it does in :meth:`work`.

    Args:
        name: unique among the jobs of its kind.
        request: the Create call as it came, which Describe gives back.
        folder: of its own, removed when the job is over.
    """

    kind = ""  # "training" or "processing"
    event = ""  # detail-type of the event on the default bus

    def __init__(self, context: Context, *, name: str, request: dict[str, Any], folder: Path) -> None:
        self.context, self.name, self.request, self.folder = context, name, request, folder
        self.arn = f"arn:{context.partition}:sagemaker:{context.region}:{context.account}:{self.kind}-job/{name}"
        self.tags: list[dict[str, str]] = list(request.get("Tags") or [])
        self.created = self.modified = context.clock.now()
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.status = "InProgress"
        self.failure = ""
        self.over = threading.Event()
        self.stop_asked = threading.Event()

    def work(self) -> str:
        """Do the job; returns its final status.

        Raises:
            JobError: it failed.
        """
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """The answer of Describe."""
        raise NotImplementedError

    @property
    def response_object(self) -> dict[str, Any]:
        """The answer of Describe, as moto's search asks for it."""
        return self.describe()

    def set_status(self, status: str, failure: str = "") -> None:
        """Enter a new status and put the event on the bus."""
        self.status, self.failure, self.modified = status, failure, self.context.clock.now()
        self.tell()

    def tell(self) -> None:
        """Put the event of the present status on the default bus."""
        detail = {**_plain(self.describe()), "Tags": {tag["Key"]: tag["Value"] for tag in self.tags}}
        announce(self.context, "aws.sagemaker", self.event, detail, [self.arn])

    def run(self) -> None:
        """Do the job from beginning to end; whatever happens, it is over afterwards."""
        try:
            final, failure = self.work(), ""
        except JobError as error:
            final, failure = "Failed", str(error)
        except Exception as error:
            traceback.print_exc()
            final, failure = "Failed", f"InternalServerError: the rehearsal broke: {error!r}"
        try:
            self.finish(final, failure)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.over.set()

    def finish(self, status: str, failure: str) -> None:
        """Enter the final status."""
        self.ended = self.context.clock.now()
        self.set_status(status, failure)

    def stop(self) -> None:
        """Ask the job to stop."""
        self.stop_asked.set()

    def attend(self, container: Container, longest: float, turn: Any) -> tuple[int, str]:
        """Wait for a container; returns its exit code and why it was ended early: ``stopped``, ``too long`` or nothing.

        Args:
            longest: emulated seconds that it may run.
            turn: called several times a second meanwhile, and once when it has ended.
        """
        clock = self.context.clock
        begun, asked, why, looks = clock.now(), None, "", itertools.count(1)
        while (code := container.poll()) is None:
            if asked is None:
                if self.stop_asked.is_set():
                    why = "stopped"
                elif (clock.now() - begun).total_seconds() > longest:
                    why = "too long"
                if why:
                    asked = clock.now()
                    container.ask_to_end()
            elif (clock.now() - asked).total_seconds() > GRACE_SECONDS:
                container.kill()
            if next(looks) % _SYNC_EVERY == 0:
                turn()
            self.stop_asked.wait(_LOOK_SECONDS) if asked is None else self.over.wait(_LOOK_SECONDS)
        turn()
        return code, why


class Jobs:
    """The jobs of one kind."""

    def __init__(self, context: Context, pace: Pace) -> None:
        self._context, self.pace = context, pace
        self._folders = itertools.count(1)
        self._lock = threading.Lock()
        self.all: dict[str, Job] = {}
        self._running: set[Job] = set()
        context.on_shutdown(self.shutdown)

    def folder(self, kind: str) -> Path:
        """A new folder for a job."""
        folder = self._context.workdir / "jobs" / f"{kind}-{next(self._folders):04d}"
        folder.mkdir(parents=True)
        return folder

    def start(self, job: Job) -> None:
        """Run the job in a thread; emulated time goes on at a bounded pace meanwhile."""
        with self._lock:
            self.all[job.name] = job
            self._running.add(job)
        pace = self.pace.running()
        pace.__enter__()

        def run() -> None:
            try:
                job.run()
            finally:
                with self._lock:
                    self._running.discard(job)
                pace.__exit__(None, None, None)

        threading.Thread(target=run, daemon=True, name=job.name).start()

    def sorted(self, *, by: str, descending: bool) -> Iterator[Job]:
        """The jobs in the order that a List call asks for."""
        keys = {"Name": lambda job: job.name, "CreationTime": lambda job: job.created, "Status": lambda job: job.status}
        yield from sorted(self.all.values(), key=keys[by], reverse=descending)

    def shutdown(self) -> None:
        """End what still runs, at once."""
        with self._lock:
            running = list(self._running)
        for job in running:
            job.stop()
            kill = getattr(job, "kill", None)
            if kill:
                kill()
        for job in running:
            job.over.wait(2)


def _plain(value: Any) -> Any:
    """A description as an event carries it: times as milliseconds since the epoch."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
