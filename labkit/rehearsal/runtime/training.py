"""Training jobs that train: the lab's own script on the channels' data, with checkpoints, metrics and model artefacts."""

from __future__ import annotations

import contextlib
import json
import os
import re
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labkit.rehearsal.runtime import instances, job_checks, job_files, logs, script_mode
from labkit.rehearsal.runtime.container import Container
from labkit.rehearsal.runtime.jobs import Job, JobError
from labkit.rehearsal.runtime.variables import of_a_role

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context
    from labkit.rehearsal.runtime.metrics import Metrics

NAMESPACE = "/aws/sagemaker/TrainingJobs"
GROUP = "/aws/sagemaker/TrainingJobs"
_MOST_MEMORY = 4 << 30
_DAY = 86400
# AWS says up to 90 %; this share is an example, which the ledger says.
_SPOT_SHARE = 0.3
_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Failed": "Training job failed",
}
_ECHOED = (
    "TrainingJobName",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "CheckpointConfig",
    "Environment",
    "ExperimentConfig",
    "RetryStrategy",
)


def check(context: Context, request: dict[str, Any]) -> None:
    """Refuse what the service refuses, and what the rehearsal cannot carry out.

    Raises:
        Refusal: with the code and the message of the answer.
    """
    job_checks.role(context, request["RoleArn"])
    job_checks.network(context, request.get("VpcConfig"))
    resources, output = request["ResourceConfig"], request["OutputDataConfig"]
    if "InstanceType" not in resources:
        raise job_checks.not_rehearsed("instance groups and training plans; give InstanceType and InstanceCount")
    job_checks.instance(resources["InstanceType"], resources.get("InstanceCount", 1), "TrainingInstanceType")
    job_checks.key(context, resources.get("VolumeKmsKeyId"))
    job_checks.key(context, output.get("KmsKeyId"))
    job_checks.bucket(context, output["S3OutputPath"])
    stopping = request.get("StoppingCondition") or {}
    if request.get("EnableManagedSpotTraining"):
        if "MaxWaitTimeInSeconds" not in stopping:
            raise job_checks.invalid("MaxWaitTimeInSeconds is required when EnableManagedSpotTraining is True.")
        if stopping["MaxWaitTimeInSeconds"] < stopping.get("MaxRuntimeInSeconds", _DAY):
            raise job_checks.invalid(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
            )
    elif "MaxWaitTimeInSeconds" in stopping:
        raise job_checks.invalid("MaxWaitTimeInSeconds is only supported when EnableManagedSpotTraining is True.")
    if checkpoints := request.get("CheckpointConfig"):
        job_checks.bucket(context, checkpoints["S3Uri"])
    for channel in request.get("InputDataConfig") or []:
        _check_channel(context, request, channel)
    algorithm = request["AlgorithmSpecification"]
    if not algorithm.get("ContainerEntrypoint"):
        image = algorithm.get("TrainingImage") or algorithm.get("AlgorithmName") or ""
        if not any(word in image for word in script_mode.IMAGES) or script_mode.program(request) is None:
            raise job_checks.not_rehearsed(
                f"{image} training by itself; the rehearsal trains in script mode (hyperparameter sagemaker_program) on "
                f"images of {' and '.join(script_mode.IMAGES)}, or a ContainerEntrypoint"
            )


def _check_channel(context: Context, request: dict[str, Any], channel: dict[str, Any]) -> None:
    source = channel["DataSource"].get("S3DataSource")
    if source is None or source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise job_checks.not_rehearsed(f"channel {channel['ChannelName']}: only S3Prefix and ManifestFile are")
    if (channel.get("InputMode") or request["AlgorithmSpecification"]["TrainingInputMode"]) == "Pipe":
        raise job_checks.not_rehearsed(f"channel {channel['ChannelName']}: input mode Pipe")
    job_checks.data(context, source["S3Uri"], f"channel {channel['ChannelName']}")


class TrainingJob(Job):
    """One training job."""

    kind = "training"
    event = "SageMaker Training Job State Change"

    def __init__(self, context: Context, metrics: Metrics, *, name: str, request: dict[str, Any], folder: Path) -> None:
        super().__init__(context, name=name, request=request, folder=folder)
        self._metrics = metrics
        self.secondary = ""
        self.transitions: list[dict[str, Any]] = []
        self._final: dict[str, tuple[float, datetime]] = {}
        self._patterns = [
            (one["Name"], re.compile(one["Regex"]))
            for one in request["AlgorithmSpecification"].get("MetricDefinitions") or []
        ]
        self._container: Container | None = None
        self._enter("Starting")

    def work(self) -> str:
        """Download, train, upload."""
        self.tell()
        ml = self.folder / "opt" / "ml"
        for place in ("model", "output/data", "input/config", "input/data"):
            (ml / place).mkdir(parents=True)
        self.started = self.context.clock.now()
        self._step("Downloading")
        self._download(ml)
        checkpoints = self._checkpoints(ml)
        self._configure(ml)
        if not self._entrypoint:
            script_mode.unpack(self.context, self.request, ml)
        if self.stop_asked.is_set():
            return "Stopped"
        self._step("Training")
        why = self._train(ml, checkpoints)
        if why != "stopped":
            self._step("Uploading")
        self._upload(ml)
        if why:
            self._enter("MaxRuntimeExceeded" if why == "too long" else "Stopped")
            return "Stopped"
        return "Completed"

    def stop(self) -> None:
        """Ask the script to end with SIGTERM; it is killed after 120 emulated seconds."""
        self._enter("Stopping")
        self.set_status("Stopping")
        super().stop()

    def kill(self) -> None:
        """End the script at once."""
        if self._container:
            self._container.kill()

    def finish(self, status: str, failure: str) -> None:
        """Close the transitions and enter the final status."""
        if self.secondary not in ("MaxRuntimeExceeded", "Stopped"):
            self._enter(status, failure)
        self.transitions[-1]["EndTime"] = self.context.clock.now()
        super().finish(status, failure)

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeTrainingJob."""
        answer: dict[str, Any] = {name: self.request[name] for name in _ECHOED if self.request.get(name) is not None}
        answer |= {
            "TrainingJobArn": self.arn,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary,
            "SecondaryStatusTransitions": [dict(one) for one in self.transitions],
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "EnableNetworkIsolation": bool(self.request.get("EnableNetworkIsolation")),
            "EnableInterContainerTrafficEncryption": bool(self.request.get("EnableInterContainerTrafficEncryption")),
            "EnableManagedSpotTraining": bool(self.request.get("EnableManagedSpotTraining")),
            "ProfilingStatus": "Disabled",
        }
        answer["StoppingCondition"] = {"MaxRuntimeInSeconds": _DAY, **answer.get("StoppingCondition", {})}
        if self.started:
            answer["TrainingStartTime"] = self.started
        if self.failure:
            answer["FailureReason"] = self.failure
        if self._final:
            answer["FinalMetricDataList"] = [
                {"MetricName": name, "Value": value, "Timestamp": when} for name, (value, when) in self._final.items()
            ]
        if self.ended:
            answer["TrainingEndTime"] = self.ended
            if self.started:
                seconds = max(int((self.ended - self.started).total_seconds()), 1)
                answer["TrainingTimeInSeconds"] = seconds
                share = _SPOT_SHARE if answer["EnableManagedSpotTraining"] else 1.0
                answer["BillableTimeInSeconds"] = max(int(seconds * share), 1)
        if self.status in ("Completed", "Stopped"):
            answer["ModelArtifacts"] = {"S3ModelArtifacts": self._model_url}
        return answer

    @property
    def _entrypoint(self) -> list[str]:
        algorithm = self.request["AlgorithmSpecification"]
        return [*(algorithm.get("ContainerEntrypoint") or ()), *(algorithm.get("ContainerArguments") or ())]

    @property
    def _output(self) -> str:
        return f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"

    @property
    def _compressed(self) -> bool:
        return bool(self.request["OutputDataConfig"].get("CompressionType", "GZIP") == "GZIP")

    @property
    def _model_url(self) -> str:
        return f"{self._output}/model.tar.gz" if self._compressed else f"{self._output}/model/"

    def _enter(self, secondary: str, message: str = "") -> None:
        now = self.context.clock.now()
        if self.transitions:
            self.transitions[-1]["EndTime"] = now
        self.secondary, self.modified = secondary, now
        text = message or _MESSAGES[secondary]
        self.transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": text})

    def _step(self, secondary: str) -> None:
        if not self.stop_asked.is_set():
            self._enter(secondary)
            self.tell()

    def _download(self, ml: Path) -> None:
        for channel in self.request.get("InputDataConfig") or []:
            source = channel["DataSource"]["S3DataSource"]
            folder = ml / "input" / "data" / channel["ChannelName"]
            folder.mkdir(parents=True)
            try:
                job_files.download(
                    self.context, source["S3Uri"], folder, manifest=source["S3DataType"] == "ManifestFile"
                )
            except job_files.MissingDataError as error:
                raise JobError(f"ClientError: Data download failed: no such S3 object: {error}") from error

    def _checkpoints(self, ml: Path) -> job_files.Sync | None:
        config = self.request.get("CheckpointConfig")
        if not config:
            return None
        place = config.get("LocalPath", "/opt/ml/checkpoints")
        folder = ml / place.removeprefix("/opt/ml").lstrip("/")
        if not place.startswith("/opt/ml/"):
            raise JobError(f"not rehearsed: a checkpoint path outside of /opt/ml: {place}")
        folder.mkdir(parents=True, exist_ok=True)
        url = config["S3Uri"].rstrip("/") + "/"
        with contextlib.suppress(job_files.MissingDataError):
            job_files.download(self.context, url, folder)
        # Checkpoints have no key in the API; the bucket's default encryption holds.
        sync = job_files.Sync(self.context, folder, url, None)
        sync.take_as_synced()
        return sync

    def _configure(self, ml: Path) -> None:
        config = ml / "input" / "config"
        for name, content in (
            ("hyperparameters.json", self.request.get("HyperParameters") or {}),
            ("inputdataconfig.json", script_mode.input_data_config(self.request)),
            ("resourceconfig.json", script_mode.resource_config(self.request)),
            ("checkpointconfig.json", self.request.get("CheckpointConfig") or {}),
        ):
            (config / name).write_text(json.dumps(content))

    def _train(self, ml: Path, checkpoints: job_files.Sync | None) -> str:
        """Run the script; returns why it was ended early."""
        size = instances.size(self.request["ResourceConfig"]["InstanceType"])
        isolated = bool(self.request.get("EnableNetworkIsolation"))
        environment = {
            **of_a_role(self.context, isolated=isolated),
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self.arn,
            "CURRENT_HOST": "algo-1",
            **(self.request.get("Environment") or {}),
        }
        command, folder = self._entrypoint, "/opt/ml"
        if not command:
            command, folder = script_mode.command(self.request), script_mode.CODE
            cpus = min(size.vcpus, os.cpu_count() or 1)
            environment |= script_mode.variables(self.request, cpus=cpus)
        clock = self.context.clock
        begun = clock.now()
        self._container = container = Container(
            root=self.folder / "opt",
            command=command,
            environment=environment,
            folder=folder,
            isolated=isolated,
            memory=min(size.memory, _MOST_MEMORY),
            port=urlsplit(self.context.url).port or 0,
            write=self._log,
        )
        longest = float((self.request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", _DAY))
        code, why = self.attend(container, longest, checkpoints.turn if checkpoints else lambda: None)
        self._measure(container, max((clock.now() - begun).total_seconds(), 0.1), size.memory)
        self.context.ledger.note(
            f"training jobs run as processes: /opt/ml is a {container.places}"
            + (f", network isolation by {container.network}" if isolated else ""),
            about="sagemaker",
        )
        if code != 0 and not why:
            raise JobError(f"AlgorithmError: {self._failure(ml)}, exit code: {code if code > 0 else 128 - code}")
        return why

    def _failure(self, ml: Path) -> str:
        if not self._entrypoint:
            # The toolkit writes the failure file itself, over whatever the script wrote.
            return f'ExecuteUserScriptError:\nCommand "{script_mode.shown_command(self.request)}"'
        written = ml / "output" / "failure"
        return written.read_text(errors="replace")[:1024] if written.is_file() else ""

    def _upload(self, ml: Path) -> None:
        key = self.request["OutputDataConfig"].get("KmsKeyId")
        for place, name in ((ml / "model", "model"), (ml / "output" / "data", "output")):
            if not any(place.iterdir()):
                continue
            if self._compressed:
                job_files.write(self.context, job_files.archive(place), f"{self._output}/{name}.tar.gz", key)
            else:
                job_files.Sync(self.context, place, f"{self._output}/{name}", key).turn()

    def _log(self, lines: list[str]) -> None:
        stamp = int(self.created.timestamp())
        logs.write(self.context, GROUP, f"{self.name}/algo-1-{stamp}", lines)
        for line in lines:
            for name, pattern in self._patterns:
                if found := pattern.search(line):
                    with contextlib.suppress(ValueError, IndexError):
                        self._count(name, float(found[1]))

    def _count(self, name: str, value: float) -> None:
        self._final[name] = (value, self.context.clock.now())
        self._metrics.put(NAMESPACE, name, {"TrainingJobName": self.name}, value)

    def _measure(self, container: Container, seconds: float, memory: int) -> None:
        put = partial(self._metrics.put, NAMESPACE, dimensions={"Host": f"{self.name}/algo-1"}, unit="Percent")
        put(name="CPUUtilization", value=container.cpu_seconds / seconds * 100)
        put(name="MemoryUtilization", value=container.peak_memory / memory * 100)
