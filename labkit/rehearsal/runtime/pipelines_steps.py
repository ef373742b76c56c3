"""What the steps of a SageMaker pipeline do: jobs, models, packages, functions, through the ordinary APIs."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from labkit.rehearsal.runtime.pipelines_definition import OPERATIONS
from labkit.rehearsal.runtime.pipelines_records import StepRun

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

# "Default cache key attributes by pipeline step type".
CACHE_KEYS = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
}
_JOBS = ("Processing", "Training", "Transform")
_OVER = ("Completed", "Failed", "Stopped")
_FAULTS = {
    "ThrottlingException": "Step.THROTTLING",
    "ResourceLimitExceeded": "SageMaker.RESOURCE_LIMIT",
    "InternalFailure": "Step.SERVICE_FAULT",
    "ServiceUnavailable": "Step.SERVICE_FAULT",
}
_REASONS = {"InternalServerError": "SageMaker.JOB_INTERNAL_ERROR", "CapacityError": "SageMaker.CAPACITY_ERROR"}
_LONGEST = 63


class StepFailed(Exception):
    """A step failed; ``kind`` is the exception type that a retry policy may name, or an empty string."""

    def __init__(self, reason: str, kind: str = "") -> None:
        super().__init__(reason)
        self.kind = kind


class StepStopped(Exception):
    """A step was stopped with its execution."""


def cache_key(step: dict[str, Any], arguments: dict[str, Any]) -> str:
    """What must be the same for a result to be used again; empty where a step of this type has no cache."""
    if step["Type"] == "Lambda":
        chosen: dict[str, Any] = {"FunctionArn": step["FunctionArn"], "Arguments": arguments}
    elif step["Type"] in CACHE_KEYS:
        chosen = {name: arguments.get(name) for name in CACHE_KEYS[step["Type"]]}
    else:
        return ""
    text = json.dumps([step["Name"], step["Type"], chosen], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Steps:
    """Carries out steps."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def run(self, step: dict[str, Any], arguments: dict[str, Any], run: StepRun, execution_id: str) -> None:
        """Do what a step says and enter what it gave.

        Raises:
            StepFailed: it failed.
            StepStopped: it was stopped.
        """
        kind = step["Type"]
        if kind == "Lambda":
            self._function(step, arguments, run)
        elif kind == "Fail":
            run.metadata = {"Fail": {"ErrorMessage": str(arguments["ErrorMessage"])}}
            raise StepFailed(str(arguments["ErrorMessage"]))
        elif kind in _JOBS:
            self._job(kind, arguments, run, execution_id)
        elif kind in OPERATIONS:
            self._resource(kind, arguments, run, execution_id)
        else:
            self._context.ledger.note(f"a pipeline step of type {kind} is not rehearsed; it fails", about=step["Name"])
            raise StepFailed(f"not rehearsed: a step of type {kind}")

    def _job(self, kind: str, arguments: dict[str, Any], run: StepRun, execution_id: str) -> None:
        client = self._context.client("sagemaker")
        member = OPERATIONS[kind][1]
        if kind == "Transform":
            self._context.ledger.note("a transform job is answered as finished at once; nothing runs", about=run.name)
        name = _name(arguments.get(member), execution_id, run.name)
        arn = self._create(kind, {**arguments, member: name})[f"{kind}JobArn"]
        run.metadata = {f"{kind}Job": {"Arn": arn}}
        describe, stop = (getattr(client, f"{verb}_{kind.lower()}_job") for verb in ("describe", "stop"))
        run.stop = lambda: stop(**{member: name})
        if run.stopping:
            run.stop()
        status = f"{kind}JobStatus"
        self._context.clock.wait_until(lambda: describe(**{member: name})[status] in _OVER)
        run.stop = None
        answer = describe(**{member: name})
        answer.pop("ResponseMetadata", None)
        run.properties = answer
        if answer[status] == "Failed":
            reason = answer.get("FailureReason") or f"{kind} job failed"
            fault = next((each for start, each in _REASONS.items() if reason.startswith(start)), "")
            raise StepFailed(f"ClientError: {reason}" if ":" not in reason else reason, fault)
        if answer[status] == "Stopped":
            if run.stopping:
                raise StepStopped
            raise StepFailed(f"ClientError: The {kind.lower()} job was stopped")

    def _resource(self, kind: str, arguments: dict[str, Any], run: StepRun, execution_id: str) -> None:
        client = self._context.client("sagemaker")
        if kind == "RegisterModel":
            arn = self._create(kind, arguments)["ModelPackageArn"]
            run.properties = client.describe_model_package(ModelPackageName=arn)
        else:
            name = _name(arguments.get("ModelName"), execution_id, run.name)
            arn = self._create(kind, {**arguments, "ModelName": name})["ModelArn"]
            run.properties = client.describe_model(ModelName=name)
        run.properties.pop("ResponseMetadata", None)
        run.metadata = {kind: {"Arn": arn}}

    def _function(self, step: dict[str, Any], arguments: dict[str, Any], run: StepRun) -> None:
        arn = step["FunctionArn"]
        run.metadata = {"Lambda": {"Arn": arn, "OutputParameters": []}}
        try:
            answer = self._context.client("lambda").invoke(FunctionName=arn, Payload=json.dumps(arguments))
        except Exception as error:
            raise StepFailed(f"ClientError: Failed to invoke lambda function {arn}. Error Details: {error}") from None
        content = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            message = content.get("errorMessage", "") if isinstance(content, dict) else str(content)
            raise StepFailed(f"ClientError: Lambda function {arn} failed. Error Details: {message}")
        outputs = {}
        for wanted in step.get("OutputParameters", []):
            name = wanted["OutputName"]
            if not isinstance(content, dict) or name not in content:
                raise StepFailed(f"ClientError: Lambda function {arn} did not return the output {name}")
            outputs[name] = content[name]
        run.properties = {"OutputParameters": outputs}
        listed = [{"Name": name, "Value": str(value)} for name, value in outputs.items()]
        run.metadata["Lambda"]["OutputParameters"] = listed

    def _create(self, kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        operation = OPERATIONS[kind][0]
        try:
            answer: dict[str, Any] = getattr(self._context.client("sagemaker"), xform_name(operation))(**arguments)
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            reason = f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {message}"
            raise StepFailed(reason, _FAULTS.get(code, "")) from None
        except BotoCoreError as error:
            raise StepFailed(f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error}") from None
        return answer


def retry_policy(step: dict[str, Any], failure: StepFailed) -> dict[str, Any] | None:
    """The first policy of a step that names the failure, or None."""
    for policy in step.get("RetryPolicies", []):
        kinds = policy["ExceptionType"]
        if failure.kind and failure.kind in ([kinds] if isinstance(kinds, str) else kinds):
            found: dict[str, Any] = policy
            return found
    return None


def _name(prefix: str | None, execution_id: str, step: str) -> str:
    """``pipelines-EXECUTION-STEP-RANDOM``; a name in the definition becomes the prefix."""
    suffix = uuid.uuid4().hex[:10]
    if prefix:
        return f"{prefix[: _LONGEST - len(execution_id) - 12]}-{execution_id}-{suffix}"
    room = _LONGEST - len(f"pipelines-{execution_id}--{suffix}")
    return f"pipelines-{execution_id}-{step.replace('_', '-')[:room].strip('-')}-{suffix}"
