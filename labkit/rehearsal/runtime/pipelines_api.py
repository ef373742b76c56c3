"""The SageMaker operations on pipelines and their executions."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import pipelines_definition
from labkit.rehearsal.runtime import pipelines_views as views
from labkit.rehearsal.runtime.pipelines import Executions
from labkit.rehearsal.runtime.pipelines_definition import TYPES, Definition, DefinitionError
from labkit.rehearsal.runtime.pipelines_records import Execution

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_RETRYABLE = ("Failed", "Stopped")


def install(context: Context) -> Executions:
    """Have moto's SageMaker run pipelines."""
    executions = Executions(context)
    context.on_import("moto.sagemaker.responses", lambda module: _patch(module, _Operations(context, executions)))
    context.ledger.answers("sagemaker", "StartPipelineExecution", "executed", "the definition's steps run")
    context.ledger.executes(
        "AWS::SageMaker::Pipeline",
        "its executions run: processing, training, model, registration, condition, function and fail steps, with cache "
        "and retries; its role's rights are not enforced",
    )
    return executions


class _Operations:
    """Each operation takes the request's parameters and returns the answer."""

    def __init__(self, context: Context, executions: Executions) -> None:
        self._context, self._executions = context, executions

    def checked(self, given: dict[str, Any]) -> None:
        """Refuse a definition that is wrong."""
        text = given.get("PipelineDefinition")
        if (place := given.get("PipelineDefinitionS3Location")) and not text:
            body = self._context.client("s3").get_object(Bucket=place["Bucket"], Key=place["ObjectKey"])["Body"]
            text = body.read().decode()
        if text:
            _parse(text)

    def kept(self, name: str) -> None:
        """Keep a definition as text, also one from S3."""
        pipeline = self._pipeline(name)
        if not isinstance(pipeline.pipeline_definition, str):
            pipeline.pipeline_definition = json.dumps(pipeline.pipeline_definition)

    def start_pipeline_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        pipeline = self._pipeline(given["PipelineName"])
        if given.get("SelectiveExecutionConfig"):
            raise _refused("not rehearsed: SelectiveExecutionConfig; start the whole pipeline")
        text = pipeline.pipeline_definition
        definition = _parse(text)
        if "PipelineExperimentConfig" in text:
            self._context.ledger.note("a pipeline's experiment and trial are not made", about=pipeline.pipeline_name)
        most = (given.get("ParallelismConfiguration") or pipeline.parallelism_configuration or {}).get(
            "MaxParallelExecutionSteps", 0
        )
        parameters = _parameters(definition, given.get("PipelineParameters") or [])
        execution = self._executions.start(
            pipeline.pipeline_name,
            pipeline.arn,
            text,
            definition,
            parameters=parameters,
            given=given.get("PipelineParameters") or [],
            token=given.get("ClientRequestToken") or "",
            name=given.get("PipelineExecutionDisplayName") or "",
            description=given.get("PipelineExecutionDescription") or "",
            most=int(most),
        )
        pipeline.last_execution_time = execution.started
        return {"PipelineExecutionArn": execution.arn}

    def stop_pipeline_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(given)
        if execution.status not in ("Executing", "Stopping"):
            raise _refused(f"Pipeline execution with ARN {execution.arn} is in status {execution.status}; cannot stop")
        self._executions.stop(execution)
        return {"PipelineExecutionArn": execution.arn}

    def retry_pipeline_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(given)
        if execution.status not in _RETRYABLE:
            message = f"Pipeline execution with ARN {execution.arn} is in status {execution.status}; "
            raise _refused(message + "only Failed and Stopped executions can be retried")
        self._executions.retry(execution)
        return {"PipelineExecutionArn": execution.arn}

    def describe_pipeline_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(given)
        return {
            "PipelineArn": execution.pipeline_arn,
            "PipelineExecutionArn": execution.arn,
            "PipelineExecutionDisplayName": execution.name,
            "PipelineExecutionStatus": execution.status,
            "PipelineExecutionDescription": execution.description or None,
            "FailureReason": execution.reason or None,
            "CreationTime": execution.started,
            "LastModifiedTime": execution.changed,
            **({"ParallelismConfiguration": {"MaxParallelExecutionSteps": execution.most}} if execution.most else {}),
        }

    def list_pipeline_executions(self, given: dict[str, Any]) -> dict[str, Any]:
        pipeline = self._pipeline(given["PipelineName"])
        found = [item for item in self._executions.all.values() if item.pipeline_arn == pipeline.arn]
        if given.get("SortOrder", "Descending") == "Descending":
            found.reverse()
        return views.page("PipelineExecutionSummaries", [views.summary(item) for item in found], given)

    def list_pipeline_execution_steps(self, given: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(given)
        with self._executions.lock:
            names = [name for name in execution.order if name in execution.steps]
            found = [views.step(execution, execution.steps[name]) for name in names]
        if given.get("SortOrder", "Descending") == "Descending":
            found.reverse()
        return views.page("PipelineExecutionSteps", found, given)

    def list_pipeline_parameters_for_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(given)
        values = {name: views.text(value) for name, value in execution.parameters.items()}
        found = [{"Name": name, "Value": value} for name, value in values.items()]
        return views.page("PipelineParameters", found, given)

    def describe_pipeline_definition_for_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(given)
        return {"PipelineDefinition": execution.text, "CreationTime": execution.started}

    def update_pipeline_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(given)
        execution.description = given.get("PipelineExecutionDescription") or execution.description
        execution.name = given.get("PipelineExecutionDisplayName") or execution.name
        return {"PipelineExecutionArn": execution.arn}

    def _pipeline(self, name: str) -> Any:
        from moto.sagemaker.models import sagemaker_backends

        known: Any = sagemaker_backends[self._context.account][self._context.region].pipelines
        short = name.rsplit("/", 1)[-1]
        if short not in known:
            raise _refused(f"Pipeline '{name}' does not exist.", "ResourceNotFound")
        return known[short]

    def _execution(self, given: dict[str, Any]) -> Execution:
        found = self._executions.all.get(given["PipelineExecutionArn"])
        if found is None:
            message = f"Pipeline execution with ARN {given['PipelineExecutionArn']} does not exist."
            raise _refused(message, "ResourceNotFound")
        return found


def _parse(text: str) -> Definition:
    try:
        return pipelines_definition.parse(text)
    except DefinitionError as error:
        raise _refused(str(error)) from None


def _parameters(definition: Definition, given: list[dict[str, str]]) -> dict[str, Any]:
    """Every parameter's value: as given, else its default; in its type."""
    texts = {item["Name"]: item["Value"] for item in given}
    if unknown := sorted(texts.keys() - definition.parameters.keys()):
        raise _refused(
            f"Unknown parameters: {', '.join(unknown)}; the pipeline has: {', '.join(definition.parameters)}"
        )
    made: dict[str, Any] = {}
    for name, declared in definition.parameters.items():
        if name not in texts and "DefaultValue" not in declared:
            raise _refused(f"Parameter {name} has no default value and none is given")
        value = _typed(name, declared["Type"], texts[name]) if name in texts else declared["DefaultValue"]
        if declared.get("EnumValues") and value not in declared["EnumValues"]:
            allowed = ", ".join(str(item) for item in declared["EnumValues"])
            raise _refused(f"Parameter {name}: {value} given; allowed: {allowed}")
        made[name] = value
    return made


def _typed(name: str, kind: str, text: str) -> Any:
    if kind == "Boolean":
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise _refused(f"Parameter {name}: {text} given; true or false is needed")
    try:
        return TYPES[kind](text)
    except ValueError:
        raise _refused(f"Parameter {name}: {text} given; a value of type {kind} is needed") from None


def _refused(message: str, code: str = "ValidationException") -> Exception:
    from labkit.rehearsal.refusal import Refusal

    return Refusal(code, message)


def _patch(module: ModuleType, operations: _Operations) -> None:
    from moto.core.responses import ActionResult

    response: Any = module.SageMakerResponse

    def wrap(operation: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
        return lambda self: ActionResult(operation(json.loads(self.body or "{}")))

    def with_check(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def operation(self: Any) -> Any:
            given = json.loads(self.body or "{}")
            operations.checked(given)
            answer = original(self)
            operations.kept(given["PipelineName"])
            return answer

        return operation

    for name in dir(_Operations):
        if not name.startswith("_") and name not in ("checked", "kept"):
            setattr(response, name, wrap(getattr(operations, name)))
    response.create_pipeline = with_check(response.create_pipeline)
    response.update_pipeline = with_check(response.update_pipeline)
