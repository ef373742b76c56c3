"""The CodePipeline operations that only read: states, executions, actions, rules, jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import codepipeline_views as views
from labkit.rehearsal.runtime.codepipeline import Pipelines
from labkit.rehearsal.runtime.codepipeline_records import Execution, PipelineState, StageRun

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


class Reading:
    """Each operation takes the request's parameters and returns the answer."""

    def __init__(self, context: Context, pipelines: Pipelines) -> None:
        self._context, self._pipelines = context, pipelines

    def get_pipeline_state(self, given: dict[str, Any]) -> dict[str, Any]:
        structure, state = self._structure(given["name"]), self._pipelines.state(given["name"])
        with self._pipelines.lock:
            stages = views.stages(state, structure)
        return {"pipelineName": state.name, "pipelineVersion": structure.get("version", 1), "stageStates": stages}

    def get_pipeline_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"pipelineExecution": views.execution(self._execution(given)[1])}

    def list_pipeline_executions(self, given: dict[str, Any]) -> dict[str, Any]:
        self._structure(given["pipelineName"])
        found = list(self._pipelines.state(given["pipelineName"]).executions.values())[::-1]
        if stage := ((given.get("filter") or {}).get("succeededInStage") or {}).get("stageName"):
            found = [item for item in found if stage in item.stages and item.stages[stage].status == "Succeeded"]
        return _page("pipelineExecutionSummaries", [views.summary(item) for item in found], given)

    def list_action_executions(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self._filtered(given, self._pipelines.state(given["pipelineName"]).history)
        return _page("actionExecutionDetails", [views.action(item) for item in found], given)

    def list_rule_executions(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self._filtered(given, self._pipelines.state(given["pipelineName"]).rules)
        return _page("ruleExecutionDetails", [views.rule(item) for item in found], given)

    def _filtered(self, given: dict[str, Any], runs: list[Any]) -> list[Any]:
        self._structure(given["pipelineName"])
        wanted = given.get("filter") or {}
        latest = wanted.get("latestInPipelineExecution") or {}
        only = wanted.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
        return [item for item in reversed(runs) if only in (None, item.execution_id)]

    def get_job_details(self, given: dict[str, Any]) -> dict[str, Any]:
        job = self._job(given["jobId"])
        return {"jobDetails": {"id": job.id, "accountId": self._context.account, "data": job.data}}

    def _job(self, identifier: str) -> Any:
        job = self._pipelines.actions.jobs.get(identifier)
        if job is None:
            raise refused("JobNotFoundException", f"There is no job {identifier}")
        return job

    def _structure(self, name: str) -> dict[str, Any]:
        from moto.codepipeline.models import codepipeline_backends

        found: Any = codepipeline_backends[self._context.account][self._context.region].pipelines.get(name)
        if found is None:
            message = f"Account '{self._context.account}' does not have a pipeline with name '{name}'"
            raise refused("PipelineNotFoundException", message)
        structure: dict[str, Any] = found.pipeline
        return structure

    def _execution(self, given: dict[str, Any]) -> tuple[PipelineState, Execution]:
        name = given["pipelineName"]
        self._structure(name)
        state = self._pipelines.state(name)
        execution = state.executions.get(given["pipelineExecutionId"])
        if execution is None:
            message = f"Pipeline {name} has no execution with id '{given['pipelineExecutionId']}'"
            raise refused("PipelineExecutionNotFoundException", message)
        return state, execution

    def _latest(self, state: PipelineState, stage: str) -> StageRun | None:
        if stage not in [item["name"] for item in self._structure(state.name)["stages"]]:
            raise refused("StageNotFoundException", f"There is no stage {stage} in pipeline {state.name}")
        return state.latest.get(stage)


def refused(code: str, message: str) -> Exception:
    """An error of the API."""
    from labkit.rehearsal.refusal import Refusal

    return Refusal(code, message)


def _page(member: str, items: list[Any], given: dict[str, Any]) -> dict[str, Any]:
    begin, size = int(given.get("nextToken") or 0), int(given.get("maxResults") or 100)
    more = {"nextToken": str(begin + size)} if begin + size < len(items) else {}
    return {member: items[begin : begin + size], **more}
