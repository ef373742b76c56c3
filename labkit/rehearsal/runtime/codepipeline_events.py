"""The events of a pipeline, its stages and its actions, as EventBridge gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.announcing import Announcer
from labkit.rehearsal.runtime.codepipeline_records import ActionRun, Execution, StageRun

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


class Events:
    """Tells what happens in pipelines."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._announcer = Announcer(context, "aws.codepipeline")

    def pipeline(self, execution: Execution, state: str) -> None:
        """A change of an execution."""
        trigger = {"trigger-type": execution.trigger_type, "trigger-detail": execution.trigger_detail}
        more: dict[str, Any] = {"execution-trigger": trigger} if state == "STARTED" else {}
        if state == "FAILED":
            more["failed-actions"] = [
                {"action": item.name, "additional-information": item.error_message}
                for run in execution.stages.values()
                for item in run.actions.values()
                if item.status == "Failed"
            ]
        self._tell(
            "Pipeline", execution, {"state": state, "pipeline-execution-attempt": float(execution.attempt), **more}
        )

    def stage(self, execution: Execution, run: StageRun, state: str) -> None:
        """A change of a stage."""
        self._tell("Stage", execution, {"stage": run.name, "state": state})

    def action(self, execution: Execution, action: ActionRun, state: str) -> None:
        """A change of an action."""
        result = {
            "external-execution-id": action.external_id,
            "external-execution-summary": action.error_message or action.summary,
            "external-execution-url": action.external_url,
            **({"error-code": action.error_code} if action.error_code else {}),
        }
        detail = {
            "stage": action.stage,
            "action": action.name,
            "action-execution-id": action.id,
            "state": state,
            "region": self._context.region,
            "type": action.declared["actionTypeId"],
            **({} if state == "STARTED" else {"execution-result": result}),
        }
        for kind, places in (("input", action.inputs), ("output", action.outputs)):
            detail[f"{kind}-artifacts"] = [
                {"name": name, "s3location": {"bucket": place.bucket, "key": place.key}}
                for name, place in places.items()
            ]
        self._tell("Action", execution, detail)

    def _tell(self, what: str, execution: Execution, detail: dict[str, Any]) -> None:
        arn = f"arn:{self._context.partition}:codepipeline:{self._context.region}:{self._context.account}:{execution.pipeline}"
        whole = {
            "pipeline": execution.pipeline,
            "execution-id": execution.id,
            "start-time": execution.started.isoformat(),
            "version": float(execution.structure.get("version", 1)),
            **detail,
        }
        self._announcer.tell(f"CodePipeline {what} Execution State Change", whole, [arn])
