"""What the providers of actions do: builds, functions, workflows, copies to a bucket."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import codebuild_files, codepipeline_stacks
from labkit.rehearsal.runtime.buildspec import Artifact
from labkit.rehearsal.runtime.codebuild import Builds
from labkit.rehearsal.runtime.codebuild_api import project_of
from labkit.rehearsal.runtime.codebuild_files import FilesError
from labkit.rehearsal.runtime.codebuild_run import Fetch
from labkit.rehearsal.runtime.codepipeline_artifacts import ActionFailed, Artifacts, parsed
from labkit.rehearsal.runtime.codepipeline_records import ActionRun, Execution, Place
from labkit.rehearsal.runtime.codepipeline_sources import Sources

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

# "Quotas in AWS CodePipeline": the maximum time of an action, by provider.
_LIMITS = {"CloudFormation": timedelta(days=3), "Lambda": timedelta(hours=24), "StepFunctions": timedelta(days=7)}


@dataclass
class Job:
    """What a function was asked to do, until it answers."""

    id: str
    data: dict[str, Any]
    answer: dict[str, Any] = field(default_factory=dict)


class Actions:
    """Runs actions; each call ends when the action is over.

    Args:
        artifacts: the artifact stores.
    """

    def __init__(self, context: Context, builds: Builds, artifacts: Artifacts) -> None:
        self._context, self._builds, self.artifacts = context, builds, artifacts
        self.jobs: dict[str, Job] = {}
        self.sources = Sources(context, artifacts)
        self.changes: dict[tuple[str, str], dict[str, Any]] = {}

    def run(self, execution: Execution, action: ActionRun) -> None:
        """Carry out an action and enter its results.

        Raises:
            ActionFailed: it failed.
        """
        kind = action.declared["actionTypeId"]
        run: Callable[[Execution, ActionRun], None] | None = {
            ("Source", "S3"): self.sources.s3_object,
            ("Source", "CodeStarSourceConnection"): self.sources.connection,
            ("Build", "CodeBuild"): self._build,
            ("Test", "CodeBuild"): self._build,
            ("Deploy", "CloudFormation"): self._stack,
            ("Deploy", "S3"): self._copy,
            ("Invoke", "Lambda"): self._function,
            ("Invoke", "StepFunctions"): self._workflow,
        }.get((kind["category"], kind["provider"]))
        if run is None or kind["owner"] != "AWS":
            what = f"{kind['category']} action of {kind['owner']} {kind['provider']}"
            self._context.ledger.note(f"{action.name}: a {what} is not rehearsed; it fails", about=execution.pipeline)
            raise ActionFailed(f"not rehearsed: a {what}", "ConfigurationError")
        run(execution, action)

    def wait(self, action: ActionRun, done: Callable[[], bool]) -> None:
        """Wait for something outside, as long as the provider may take; an abandoned action ends at once."""
        provider = action.declared["actionTypeId"]["provider"]
        late = action.started + _LIMITS.get(provider, timedelta(hours=1))

        def over() -> bool:
            return action.status == "Abandoned" or self._context.clock.now() > late or done()

        self._context.clock.wait_until(over)
        if action.status != "Abandoned" and not done():
            raise ActionFailed(f"The action timed out after {late - action.started}", "ActionTimedOut")

    def _build(self, execution: Execution, action: ActionRun) -> None:
        config = action.resolved
        project = project_of(self._context, config["ProjectName"])
        if project is None:
            raise ActionFailed(
                f"Error calling startBuild: Project cannot be found: {config['ProjectName']}", "ConfigurationError"
            )
        names = [item["name"] for item in action.declared.get("inputArtifacts") or []]
        first = config.get("PrimarySource") or (names[0] if names else "")
        if len(names) > 1 and not config.get("PrimarySource"):
            raise ActionFailed(
                "PrimarySource is needed where an action has several input artifacts", "ConfigurationError"
            )

        def fetch(name: str) -> Fetch:
            return lambda folder: codebuild_files.unpack(self.artifacts.read(execution, name), name, folder)

        def store(identifier: str, artifact: Artifact, files: dict[str, Path]) -> None:
            outputs = [item["name"] for item in action.declared.get("outputArtifacts") or []]
            name = identifier or (outputs[0] if outputs else "")
            if identifier and name not in outputs:
                raise FilesError(f"the action has no output artifact {name}")
            if name:
                action.outputs[name] = self.artifacts.write(execution, name, codebuild_files.packed(files))

        over = threading.Event()
        build = self._builds.start(
            project,
            {
                "environmentVariablesOverride": parsed(
                    config.get("EnvironmentVariables") or "[]", "EnvironmentVariables"
                ),
                "artifactsOverride": {"type": "CODEPIPELINE"},
                "sourceTypeOverride": "CODEPIPELINE",
                "sourceVersion": next((item["revisionId"] for item in execution.revisions), None),
            },
            initiator=f"codepipeline/{execution.pipeline}",
            sources={("" if name == first else name): fetch(name) for name in names},
            store=store,
            ended=lambda record: over.set(),
        )
        action.external_id = build["id"]
        action.log_stream = build["logs"].get("cloudWatchLogsArn", "")
        self._context.clock.wait_until(lambda: over.is_set() or action.status == "Abandoned")
        if action.status == "Abandoned":
            self._builds.stop(build)
            return
        action.variables = {item["name"]: item["value"] for item in build.get("exportedEnvironmentVariables", [])}
        if build["buildStatus"] != "SUCCEEDED":
            nowhere: dict[str, Any] = {"phaseType": "", "contexts": [{}]}
            phase = next((item for item in build["phases"] if item.get("contexts")), nowhere)
            reason = f"Build terminated with state: {build['buildStatus']}. Phase: {phase['phaseType']}, "
            context = phase["contexts"][0]
            raise ActionFailed(f"{reason}Code: {context.get('statusCode')}, Message: {context.get('message')}")

    def _stack(self, execution: Execution, action: ActionRun) -> None:
        codepipeline_stacks.deploy(self._context, self, execution, action)

    def _copy(self, execution: Execution, action: ActionRun) -> None:
        config, s3 = action.resolved, self._context.client("s3")
        content = self.artifacts.read(execution, action.declared["inputArtifacts"][0]["name"])
        more = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn}
            if (arn := config.get("KMSEncryptionKeyARN"))
            else {}
        )
        if config.get("Extract", "").lower() != "true":
            s3.put_object(Bucket=config["BucketName"], Key=config["ObjectKey"], Body=content, **more)
            return
        folder = self._context.workdir / "copies" / action.id
        codebuild_files.unpack(content, "artifact", folder)
        for path in folder.rglob("*"):
            if path.is_file():
                inside = path.relative_to(folder).as_posix()
                key = "/".join(part for part in (config.get("ObjectKey", "").strip("/"), inside) if part)
                s3.put_object(Bucket=config["BucketName"], Key=key, Body=path.read_bytes(), **more)

    def _function(self, execution: Execution, action: ActionRun) -> None:
        config = action.resolved
        token = ""
        while True:
            job = Job(str(uuid.uuid4()), self.job_data(execution, action, token))
            self.jobs[job.id] = job
            event = {"CodePipeline.job": {"id": job.id, "accountId": self._context.account, "data": job.data}}
            self._context.client("lambda").invoke(
                FunctionName=config["FunctionName"], InvocationType="Event", Payload=json.dumps(event)
            )
            action.external_id = job.id
            self.wait(action, lambda job=job: bool(job.answer))  # type: ignore[misc]
            if "failureDetails" in job.answer:
                raise ActionFailed(job.answer["failureDetails"]["message"], job.answer["failureDetails"]["type"])
            details = job.answer.get("executionDetails") or {}
            action.summary = details.get("summary", "")
            action.external_id = details.get("externalExecutionId") or job.id
            token = job.answer.get("continuationToken") or ""
            if not token:
                action.variables = job.answer.get("outputVariables") or {}
                break
        for item in action.declared.get("outputArtifacts") or []:
            # The function itself has written what it was told to make.
            execution.artifacts.setdefault(item["name"], action.outputs[item["name"]])

    def job_data(self, execution: Execution, action: ActionRun, token: str) -> dict[str, Any]:
        """The ``data`` of a job, as a function receives it."""
        from labkit.rehearsal.context import KEYS

        store = self.artifacts.store_of(execution)

        def located(name: str, place: Any) -> dict[str, Any]:
            location = {"bucketName": place.bucket, "objectKey": place.key}
            return {"name": name, "location": {"type": "S3", "s3Location": location}, "revision": None}

        for item in action.declared.get("outputArtifacts") or []:
            key = f"{execution.pipeline[:20]}/{item['name'][:10]}/{action.id[:7]}"
            action.outputs.setdefault(item["name"], Place(store["location"], key))
        keys = {
            "accessKeyId": KEYS["aws_access_key_id"],
            "secretAccessKey": KEYS["aws_secret_access_key"],
            "sessionToken": "rehearsal",
        }
        return {
            "actionConfiguration": {"configuration": action.resolved},
            "inputArtifacts": [located(name, place) for name, place in action.inputs.items()],
            "outputArtifacts": [located(name, place) for name, place in action.outputs.items()],
            "artifactCredentials": keys,
            **({"encryptionKey": store["encryptionKey"]} if store.get("encryptionKey") else {}),
            **({"continuationToken": token} if token else {}),
        }

    def _workflow(self, execution: Execution, action: ActionRun) -> None:
        config, states = action.resolved, self._context.client("stepfunctions")
        text = config.get("Input") or "{}"
        if config.get("InputType") == "FilePath":
            text = self.artifacts.file(execution, f"{action.declared['inputArtifacts'][0]['name']}::{text}")
        name = "-".join(part for part in (config.get("ExecutionNamePrefix", ""), action.id) if part)
        arn = states.start_execution(stateMachineArn=config["StateMachineArn"], name=name, input=text)["executionArn"]
        action.external_id = arn
        action.variables = {"StateMachineArn": config["StateMachineArn"], "ExecutionArn": arn}
        self.wait(action, lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")
        found = states.describe_execution(executionArn=arn)
        if found["status"] != "SUCCEEDED":
            raise ActionFailed(
                f"The execution of the state machine ended with {found['status']}: {found.get('cause', '')}"
            )
