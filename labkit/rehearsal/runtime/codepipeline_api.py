"""The CodePipeline operations: start, stop, retry, roll back, approve, and read what happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import codepipeline_notes
from labkit.rehearsal.runtime.codepipeline import Pipelines
from labkit.rehearsal.runtime.codepipeline_reading import Reading, refused
from labkit.rehearsal.runtime.codepipeline_records import ActionRun

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context
    from labkit.rehearsal.runtime.codebuild import Builds

_MOST_RUNNING = 50
_KINDS = {"BEFORE_ENTRY": "beforeEntry", "ON_SUCCESS": "onSuccess"}


def install(context: Context, builds: Builds) -> Pipelines:
    """Have moto's CodePipeline run its pipelines."""
    pipelines = Pipelines(context, builds)
    operations = _Operations(context, pipelines)
    context.on_import("moto.codepipeline.responses", lambda module: _patch(module, operations))
    context.route("codepipeline", operations.route)
    context.ledger.answers("codepipeline", "StartPipelineExecution", "executed", "stages, actions and conditions run")
    context.ledger.executes(
        "AWS::CodePipeline::Pipeline",
        "its executions run: S3 sources, CodeBuild, CloudFormation, Lambda, Step Functions and approvals; roles are "
        "not enforced; triggers on a git repository are stored",
    )
    return pipelines


class _Operations(Reading):
    """Each operation takes the request's parameters and returns the answer."""

    def __init__(self, context: Context, pipelines: Pipelines) -> None:
        super().__init__(context, pipelines)
        self._closed: dict[str, list[dict[str, str]]] = {}

    def route(self, method: str, rest: str, body: bytes) -> dict[str, Any]:
        """``start/NAME``: a rule's target. ``source/NAME/ACTION``: an archive for a source behind a connection.

        ``closed/NAME``: the closed transitions of a pipeline that a stack is about to create, because its first
        execution starts with it.
        """
        what, _, name = rest.partition("/")
        if what == "closed":
            self._closed[name] = json.loads(body)
            return {}
        if what == "source" and name.count("/") == 1:
            pipeline, _, action = name.partition("/")
            self._pipelines.actions.sources.given[pipeline, action] = body
            return {"bytes": len(body)}
        if what == "start":
            given = json.loads(body)
            text = given.get("input")
            chosen = text if isinstance(text, dict) else {}
            execution = self._pipelines.start(
                self._structure(name),
                trigger="CloudWatchEvent",
                detail=given.get("rule", ""),
                variables={item["name"]: item["value"] for item in chosen.get("variables") or []},
                overrides=chosen.get("sourceRevisions") or [],
            )
            return {"pipelineExecutionId": execution.id}
        raise ValueError(f"no such route: codepipeline/{rest}")

    def created(self, name: str) -> None:
        """A pipeline that was created starts at once (Start a pipeline in CodePipeline: Pipeline creation)."""
        who = f"arn:{self._context.partition}:iam::{self._context.account}:root"
        codepipeline_notes.enter(self._context, self._structure(name))
        for item in self._closed.pop(name, ()):
            self._turn(name, item["StageName"], False, item["Reason"])
        self._pipelines.start(self._structure(name), trigger="CreatePipeline", detail=who)

    def changed(self, name: str) -> None:
        """A pipeline has another structure."""
        codepipeline_notes.enter(self._context, self._structure(name))

    def deleted(self, name: str) -> None:
        """What runs in a deleted pipeline is abandoned, and its history is gone."""
        with self._pipelines.lock:
            for execution in self._pipelines.state(name).running():
                execution.status, execution.abandon = "Stopping", True
            self._pipelines.move(name)
            self._pipelines.states.pop(name, None)

    def start_pipeline_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        structure = self._structure(given["name"])
        state = self._pipelines.state(given["name"])
        token = given.get("clientRequestToken")
        with self._pipelines.lock:
            if token and token in state.tokens:
                return {"pipelineExecutionId": state.tokens[token]}
            variables = {item["name"]: item["value"] for item in given.get("variables") or []}
            known = {item["name"] for item in structure.get("variables") or []}
            if unknown := sorted(variables.keys() - known):
                raise refused("ValidationException", f"Pipeline has no variables: {', '.join(unknown)}")
            mode = structure.get("executionMode") or "SUPERSEDED"
            if mode != "SUPERSEDED" and len(state.running()) >= _MOST_RUNNING:
                message = f"The pipeline {state.name} has {_MOST_RUNNING} executions in progress, which is the most"
                raise refused("ConcurrentPipelineExecutionsLimitExceededException", message)
            execution = self._pipelines.start(
                structure,
                trigger="StartPipelineExecution",
                detail=f"arn:{self._context.partition}:iam::{self._context.account}:root",
                variables=variables,
                overrides=given.get("sourceRevisions") or [],
            )
            if token:
                state.tokens[token] = execution.id
        return {"pipelineExecutionId": execution.id}

    def stop_pipeline_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        state, execution = self._execution(given)
        with self._pipelines.lock:
            if execution.status == "Stopping" and execution.abandon == bool(given.get("abandon")):
                raise refused("DuplicatedStopRequestException", f"Execution {execution.id} is already being stopped")
            if execution.status not in ("InProgress", "Stopping"):
                message = f"Execution {execution.id} is in status {execution.status} and cannot be stopped"
                raise refused("PipelineExecutionNotStoppableException", message)
            execution.status, execution.stop_reason = "Stopping", given.get("reason") or ""
            execution.abandon = bool(given.get("abandon"))
            self._pipelines.move(state.name)
        return {"pipelineExecutionId": execution.id}

    def retry_stage_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        state, execution = self._execution(given)
        run = self._latest(state, given["stageName"])
        with self._pipelines.lock:
            if run is None or run.execution_id != execution.id:
                message = f"Execution {execution.id} is not the latest in stage {given['stageName']}"
                raise refused("NotLatestPipelineExecutionException", message)
            if run.status not in ("Failed", "Stopped"):
                message = (
                    f"Stage {run.name} of execution {execution.id} is {run.status}; only a failed stage is retried"
                )
                raise refused("StageNotRetryableException", message)
            self._pipelines.retry(state, execution, run, given["retryMode"] == "ALL_ACTIONS", manual=True)
        return {"pipelineExecutionId": execution.id}

    def rollback_stage(self, given: dict[str, Any]) -> dict[str, Any]:
        state = self._pipelines.state(given["pipelineName"])
        self._structure(given["pipelineName"])
        run = self._latest(state, given["stageName"])
        target = state.executions.get(given["targetPipelineExecutionId"])
        if target is None:
            message = f"There is no execution {given['targetPipelineExecutionId']}"
            raise refused("PipelineExecutionNotFoundException", message)
        stage = target.stages.get(given["stageName"])
        if target.kind == "ROLLBACK" or stage is None or stage.status != "Succeeded" or run is None:
            message = f"Execution {target.id} did not succeed in stage {given['stageName']}"
            raise refused("UnableToRollbackStageException", message)
        if run.status == "InProgress" or run.execution_id == target.id:
            message = f"Stage {run.name} is in progress, or holds what execution {target.id} left"
            raise refused("UnableToRollbackStageException", message)
        who = f"arn:{self._context.partition}:iam::{self._context.account}:root"
        execution = self._pipelines.roll_back(None, run.name, target, "ManualRollback", who)
        return {"pipelineExecutionId": execution.id}

    def put_approval_result(self, given: dict[str, Any]) -> dict[str, Any]:
        state = self._pipelines.state(given["pipelineName"])
        self._structure(given["pipelineName"])
        with self._pipelines.lock:
            run = self._latest(state, given["stageName"])
            action: ActionRun | None = run.actions.get(given["actionName"]) if run else None
            if run is None or action is None or not action.token:
                raise refused("ActionNotFoundException", f"No approval {given['actionName']} in {given['stageName']}")
            if action.token != given["token"]:
                raise refused("InvalidApprovalTokenException", "The approval token is not valid; it may have expired")
            if action.status != "InProgress":
                raise refused("ApprovalAlreadyCompletedException", "The approval action has already been answered")
            result = given["result"]
            action.summary = result["summary"]
            action.updated_by = f"arn:{self._context.partition}:iam::{self._context.account}:root"
            execution = state.executions[run.execution_id]
            good = result["status"] == "Approved"
            self._pipelines.finish_action(
                execution,
                action,
                "Succeeded" if good else "Failed",
                code="" if good else "ApprovalRejected",
                message="" if good else f"Rejected: {result['summary']}",
            )
        return {"approvedAt": action.changed.timestamp()}

    def put_job_success_result(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._answer(given)

    def put_job_failure_result(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._answer(given)

    def enable_stage_transition(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._transition(given, True)

    def disable_stage_transition(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._transition(given, False)

    def override_stage_condition(self, given: dict[str, Any]) -> dict[str, Any]:
        state, execution = self._execution(given)
        run, kind = self._latest(state, given["stageName"]), _KINDS[given["conditionType"]]
        with self._pipelines.lock:
            check = run.conditions.get(kind) if run and run.execution_id == execution.id else None
            if run is None or check is None or check.status == "Succeeded":
                raise refused("ConditionNotOverridableException", "There is no condition that blocks this execution")
            check.status = "Overridden"
            execution.status, execution.inside, run.status = "InProgress", True, "InProgress"
            run.step = "entry" if kind == "beforeEntry" else "success"
            self._pipelines.move(state.name)
        return {}

    def _transition(self, given: dict[str, Any], enabled: bool) -> dict[str, Any]:
        structure = self._structure(given["pipelineName"])
        if given["stageName"] not in [item["name"] for item in structure["stages"]]:
            raise refused("StageNotFoundException", f"There is no stage {given['stageName']}")
        if given["transitionType"] != "Inbound":
            raise refused("ValidationException", "Outbound transitions cannot be changed; give Inbound")
        self._turn(given["pipelineName"], given["stageName"], enabled, given.get("reason") or "")
        return {}

    def _turn(self, pipeline: str, stage: str, enabled: bool, reason: str) -> None:
        with self._pipelines.lock:
            way = self._pipelines.state(pipeline).transition(stage)
            way.enabled, way.reason, way.at = enabled, reason, self._context.clock.now()
            way.by = f"arn:{self._context.partition}:iam::{self._context.account}:root"
            self._pipelines.move(pipeline)

    def _answer(self, given: dict[str, Any]) -> dict[str, Any]:
        job = self._job(given["jobId"])
        if job.answer:
            raise refused("InvalidJobStateException", f"Job {job.id} has been answered already")
        job.answer = given
        return {}


def _patch(module: ModuleType, operations: _Operations) -> None:
    from moto.core.responses import ActionResult

    response: Any = module.CodePipelineResponse
    create, update, delete = response.create_pipeline, response.update_pipeline, response.delete_pipeline

    def wrap(operation: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
        return lambda self: ActionResult(operation(json.loads(self.body or "{}")))

    def create_pipeline(self: Any) -> Any:
        answer = create(self)
        name = json.loads(self.body)["pipeline"]["name"]
        operations.created(name)
        return answer

    def update_pipeline(self: Any) -> Any:
        answer = update(self)
        operations.changed(json.loads(self.body)["pipeline"]["name"])
        return answer

    def delete_pipeline(self: Any) -> Any:
        operations.deleted(self._get_param("name"))
        return delete(self)

    for name in dir(_Operations):
        if not name.startswith("_") and name not in ("route", "created", "changed", "deleted"):
            setattr(response, name, wrap(getattr(operations, name)))
    for changed in (create_pipeline, update_pipeline, delete_pipeline):
        setattr(response, changed.__name__, changed)
