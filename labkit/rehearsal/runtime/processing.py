"""Processing jobs that process: the lab's own program on inputs from S3, its outputs back in S3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labkit.rehearsal.runtime import instances, job_checks, job_files, logs
from labkit.rehearsal.runtime.container import Container
from labkit.rehearsal.runtime.jobs import Job, JobError
from labkit.rehearsal.runtime.variables import of_a_role

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

GROUP = "/aws/sagemaker/ProcessingJobs"
_MOST_MEMORY = 4 << 30
_DAY = 86400
_MESSAGE_CHARACTERS = 1024
_ECHOED = (
    "ProcessingJobName",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
)


def check(context: Context, request: dict[str, Any]) -> None:
    """Refuse what the service refuses, and what the rehearsal cannot carry out.

    Raises:
        Refusal: with the code and the message of the answer.
    """
    job_checks.role(context, request["RoleArn"])
    job_checks.network(context, (request.get("NetworkConfig") or {}).get("VpcConfig"))
    cluster = request["ProcessingResources"]["ClusterConfig"]
    job_checks.instance(cluster["InstanceType"], cluster["InstanceCount"], "ProcessingInstanceType")
    job_checks.key(context, cluster.get("VolumeKmsKeyId"))
    application = request["AppSpecification"]
    if not application.get("ContainerEntrypoint"):
        raise job_checks.not_rehearsed(f"what {application['ImageUri']} does by itself; give a ContainerEntrypoint")
    for given in request.get("ProcessingInputs") or []:
        source = given.get("S3Input")
        if source is None or source.get("S3DataType", "S3Prefix") not in ("S3Prefix", "ManifestFile"):
            raise job_checks.not_rehearsed(f"input {given['InputName']}: only S3Input of S3Prefix and ManifestFile is")
        _check_place(source["LocalPath"], f"input {given['InputName']}")
        job_checks.data(context, source["S3Uri"], f"input {given['InputName']}")
    outputs = request.get("ProcessingOutputConfig") or {}
    job_checks.key(context, outputs.get("KmsKeyId"))
    for given in outputs.get("Outputs") or []:
        target = given.get("S3Output")
        if target is None:
            raise job_checks.not_rehearsed(f"output {given['OutputName']}: only S3Output is")
        _check_place(target["LocalPath"], f"output {given['OutputName']}")
        job_checks.bucket(context, target["S3Uri"])


def _check_place(place: str, what: str) -> None:
    if not place.startswith("/opt/ml/processing/") and place != "/opt/ml/processing":
        raise job_checks.invalid(f"LocalPath of {what} is {place}; it must begin with /opt/ml/processing")


class ProcessingJob(Job):
    """One processing job."""

    kind = "processing"
    event = "SageMaker Processing Job State Change"

    def __init__(self, context: Context, *, name: str, request: dict[str, Any], folder: Path) -> None:
        super().__init__(context, name=name, request=request, folder=folder)
        self.exit_message = ""
        self._container: Container | None = None

    def work(self) -> str:
        """Download, process, upload."""
        self.tell()
        ml = self.folder / "opt" / "ml"
        for place in ("config", "output", "processing"):
            (ml / place).mkdir(parents=True)
        self.started = self.context.clock.now()
        for given in self.request.get("ProcessingInputs") or []:
            source = given["S3Input"]
            folder = _place(ml, source["LocalPath"])
            folder.mkdir(parents=True, exist_ok=True)
            manifest = source.get("S3DataType") == "ManifestFile"
            try:
                job_files.download(self.context, source["S3Uri"], folder, manifest=manifest)
            except job_files.MissingDataError as error:
                raise JobError(f"ClientError: Data download failed: no such S3 object: {error}") from error
        outputs = self._outputs(ml)
        self._configure(ml)
        if self.stop_asked.is_set():
            return "Stopped"
        why = self._process(ml, [sync for sync, continuous in outputs if continuous])
        for sync, _ in outputs:
            sync.turn()
        return "Stopped" if why else "Completed"

    def stop(self) -> None:
        """Ask the program to end with SIGTERM; it is killed after 120 emulated seconds."""
        self.set_status("Stopping")
        super().stop()

    def kill(self) -> None:
        """End the program at once."""
        if self._container:
            self._container.kill()

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeProcessingJob."""
        answer: dict[str, Any] = {name: self.request[name] for name in _ECHOED if self.request.get(name) is not None}
        answer |= {
            "ProcessingJobArn": self.arn,
            "ProcessingJobStatus": self.status,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "StoppingCondition": self.request.get("StoppingCondition") or {"MaxRuntimeInSeconds": _DAY},
        }
        if self.started:
            answer["ProcessingStartTime"] = self.started
        if self.ended:
            answer["ProcessingEndTime"] = self.ended
        if self.exit_message:
            answer["ExitMessage"] = self.exit_message
        if self.failure:
            answer["FailureReason"] = self.failure
        return answer

    def _outputs(self, ml: Path) -> list[tuple[job_files.Sync, bool]]:
        config = self.request.get("ProcessingOutputConfig") or {}
        found = []
        for given in config.get("Outputs") or []:
            target = given["S3Output"]
            folder = _place(ml, target["LocalPath"])
            folder.mkdir(parents=True, exist_ok=True)
            sync = job_files.Sync(self.context, folder, target["S3Uri"], config.get("KmsKeyId"))
            found.append((sync, target.get("S3UploadMode") == "Continuous"))
        return found

    def _configure(self, ml: Path) -> None:
        job = {**self.describe(), "ProcessingJobArn": self.arn}
        (ml / "config" / "processingjobconfig.json").write_text(json.dumps(job, default=str))
        hosts = {"current_host": "algo-1", "hosts": ["algo-1"]}
        (ml / "config" / "resourceconfig.json").write_text(json.dumps(hosts))

    def _process(self, ml: Path, continuous: list[job_files.Sync]) -> str:
        """Run the program; returns why it was ended early."""
        application = self.request["AppSpecification"]
        isolated = bool((self.request.get("NetworkConfig") or {}).get("EnableNetworkIsolation"))
        memory = instances.size(self.request["ProcessingResources"]["ClusterConfig"]["InstanceType"]).memory
        self._container = container = Container(
            root=self.folder / "opt",
            command=[*application["ContainerEntrypoint"], *(application.get("ContainerArguments") or ())],
            environment={
                **of_a_role(self.context, isolated=isolated),
                "PROCESSING_JOB_NAME": self.name,
                **(self.request.get("Environment") or {}),
            },
            folder="/opt/ml",
            isolated=isolated,
            memory=min(memory, _MOST_MEMORY),
            port=urlsplit(self.context.url).port or 0,
            write=self._log,
        )

        def turn() -> None:
            for sync in continuous:
                sync.turn()

        longest = float((self.request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", _DAY))
        code, why = self.attend(container, longest, turn)
        self.context.ledger.note(
            f"processing jobs run as processes: /opt/ml is a {container.places}"
            + (f", network isolation by {container.network}" if isolated else ""),
            about="sagemaker",
        )
        message = ml / "output" / "message"
        if message.is_file():
            self.exit_message = message.read_text(errors="replace")[:_MESSAGE_CHARACTERS]
        if code != 0 and not why:
            raise JobError("AlgorithmError: See job logs for more information")
        return why

    def _log(self, lines: list[str]) -> None:
        logs.write(self.context, GROUP, f"{self.name}/algo-1-{int(self.created.timestamp())}", lines)


def _place(ml: Path, local: str) -> Path:
    return ml / local.removeprefix("/opt/ml").lstrip("/")
