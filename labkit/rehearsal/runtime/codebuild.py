"""CodeBuild: builds of a project, started, followed, stopped and told on the event bus."""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import codebuild_events, codebuild_places, logs
from labkit.rehearsal.runtime.codebuild_run import Fetch, Run, Store
from labkit.rehearsal.runtime.waiting import Hold

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

Record = dict[str, Any]
# Overrides of StartBuild by the member of the build that they replace.
_OVERRIDES = {
    "sourceTypeOverride": ("source", "type"),
    "sourceLocationOverride": ("source", "location"),
    "buildspecOverride": ("source", "buildspec"),
    "environmentTypeOverride": ("environment", "type"),
    "imageOverride": ("environment", "image"),
    "computeTypeOverride": ("environment", "computeType"),
}
_WHOLE = {
    "artifactsOverride": "artifacts",
    "secondarySourcesOverride": "secondarySources",
    "secondaryArtifactsOverride": "secondaryArtifacts",
    "logsConfigOverride": "logsConfig",
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "serviceRoleOverride": "serviceRole",
    "encryptionKeyOverride": "encryptionKey",
}


# Settings of a project that are stored and not acted on.
_AT_REST = {
    "fileSystemLocations": "file systems are not mounted",
    "autoRetryLimit": "a failed build is not started again",
    "buildBatchConfig": "batch builds do not run",
    "concurrentBuildLimit": "the limit of builds at a time is stored",
}


class Builds:
    """All builds of one account and region."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._runs: dict[str, Run] = {}
        self._holds: dict[str, Hold] = {}
        self._tokens: dict[str, str] = {}
        self.records: dict[str, Record] = {}
        context.on_shutdown(self.shutdown)

    def start(
        self,
        project: Record,
        request: Record,
        *,
        initiator: str = "",
        sources: dict[str, Fetch] | None = None,
        store: Store | None = None,
        ended: Callable[[Record], None] | None = None,
    ) -> Record:
        """Start a build of a project (as the API describes it); returns its record.

        Args:
            request: the parameters of StartBuild.
            sources, store: where a pipeline's source comes from and its artifacts go to.
            ended: called when the build is over, while emulated time still stands still.
        """
        token = request.get("idempotencyToken")
        with self._lock:
            if token and token in self._tokens:
                return self.records[self._tokens[token]]
            record = self._record(project, request, initiator or "rehearsal")
            self.records[record["id"]] = record
            if token:
                self._tokens[token] = record["id"]
        run = Run(
            self._context,
            record,
            folder=self._context.workdir / "builds" / record["id"].partition(":")[2],
            sources=codebuild_places.sources(self._context, record) if sources is None else sources,
            store=store or codebuild_places.store(self._context, record),
            write=self._writer(record),
            tell=lambda phase: codebuild_events.phase(self._context, record, phase),
        )
        self._runs[record["id"]] = run
        hold = self._holds[record["id"]] = Hold(self._context)
        codebuild_events.state(self._context, record)

        def work() -> None:
            try:
                run.carry_out()
                codebuild_events.state(self._context, record)
                if ended is not None:
                    ended(record)
            finally:
                self._runs.pop(record["id"], None)
                self._holds.pop(record["id"], None)
                hold.end()

        threading.Thread(target=work, name=record["id"], daemon=True).start()
        return record

    def stop(self, record: Record) -> None:
        """Stop a build that runs and wait until it is over."""
        run = self._runs.get(record["id"])
        if run is not None:
            run.stop()
            while record["id"] in self._runs and not record["buildComplete"]:
                threading.Event().wait(0.02)

    def sleep(self, identifier: str, seconds: float) -> None:
        """Let emulated time pass while a build's command does nothing but wait."""
        hold = self._holds.get(identifier)
        if hold is None:
            return
        record = self.records[identifier]
        last = record["startTime"] + timedelta(minutes=float(record["timeoutInMinutes"]) + 0.01)
        left = max((last - self._context.clock.now()).total_seconds(), 0)
        hold.release()
        try:
            self._context.clock.advance(min(seconds, left))
        finally:
            hold.take()

    def shutdown(self) -> None:
        """End every process."""
        for run in list(self._runs.values()):
            run.stop()

    def _record(self, project: Record, request: Record, initiator: str) -> Record:
        given = copy.deepcopy(project)
        for name, text in _AT_REST.items():
            if project.get(name):
                self._context.ledger.note(text, about=project["name"])
        if (project.get("cache") or {}).get("type", "NO_CACHE") != "NO_CACHE":
            self._context.ledger.note("nothing is kept between builds: the cache is stored", about=project["name"])
        for name, (member, key) in _OVERRIDES.items():
            if request.get(name) is not None:
                given[member][key] = request[name]
        for name, member in _WHOLE.items():
            if request.get(name) is not None:
                given[member] = request[name]
        variables = {item["name"]: item for item in given["environment"].get("environmentVariables") or []}
        variables |= {item["name"]: item for item in request.get("environmentVariablesOverride") or []}
        given["environment"]["environmentVariables"] = list(variables.values())
        number = self._numbers[project["name"]] = self._numbers.get(project["name"], 0) + 1
        now = self._context.clock.now()
        identifier = f"{project['name']}:{uuid.uuid4()}"
        about = f"arn:{self._context.partition}:codebuild:{self._context.region}:{self._context.account}"
        version = request.get("sourceVersion") or project.get("sourceVersion")
        artifacts = given.get("artifacts") or {"type": "NO_ARTIFACTS"}
        return {
            "id": identifier,
            "arn": f"{about}:build/{identifier}",
            "buildNumber": number,
            "startTime": now,
            "currentPhase": "QUEUED",
            "buildStatus": "IN_PROGRESS",
            **({"sourceVersion": version, "resolvedSourceVersion": version} if version else {}),
            "projectName": project["name"],
            "phases": [
                {
                    "phaseType": name,
                    "phaseStatus": "SUCCEEDED",
                    "startTime": now,
                    "endTime": now,
                    "durationInSeconds": 0,
                }
                for name in ("SUBMITTED", "QUEUED")
            ],
            "source": given["source"],
            "secondarySources": given.get("secondarySources") or [],
            "artifacts": artifacts,
            "secondaryArtifacts": given.get("secondaryArtifacts") or [],
            "cache": given.get("cache") or {"type": "NO_CACHE"},
            "environment": given["environment"],
            "serviceRole": given["serviceRole"],
            "logs": self._logs(given, identifier),
            "timeoutInMinutes": given.get("timeoutInMinutes") or 60,
            "queuedTimeoutInMinutes": given.get("queuedTimeoutInMinutes") or 480,
            "buildComplete": False,
            "initiator": initiator,
            "vpcConfig": given.get("vpcConfig") or {},
            "encryptionKey": given.get("encryptionKey"),
        }

    def _logs(self, project: Record, identifier: str) -> Record:
        wanted = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {"status": "ENABLED"}
        objects = (project.get("logsConfig") or {}).get("s3Logs") or {"status": "DISABLED"}
        name, _, build = identifier.partition(":")
        group = wanted.get("groupName") or f"/aws/codebuild/{name}"
        stream = "/".join(part for part in (wanted.get("streamName"), build) if part)
        made: Record = {"cloudWatchLogs": wanted, "s3Logs": objects}
        if wanted.get("status") == "ENABLED":
            place = f"log-group:{group}:log-stream:{stream}"
            arn = f"arn:{self._context.partition}:logs:{self._context.region}:{self._context.account}:{place}"
            made |= {"groupName": group, "streamName": stream, "cloudWatchLogsArn": arn}
        if objects.get("status") == "ENABLED":
            self._context.ledger.note("build logs go to CloudWatch Logs only, not to S3", about=name)
        return made

    def _writer(self, record: Record) -> Callable[[str], None]:
        where = record["logs"]
        if "groupName" not in where:
            return lambda line: None
        return lambda line: logs.write(self._context, where["groupName"], where["streamName"], [line])
