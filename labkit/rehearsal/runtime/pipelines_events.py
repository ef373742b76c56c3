"""The events of a SageMaker pipeline's executions and steps, as EventBridge gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.announcing import Announcer
from labkit.rehearsal.runtime.pipelines_records import Execution, StepRun
from labkit.rehearsal.runtime.pipelines_values import moment

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


class Events:
    """Tells what happens."""

    def __init__(self, context: Context) -> None:
        self._announcer = Announcer(context, "aws.sagemaker")

    def execution(self, execution: Execution, before: str) -> None:
        """A change of an execution's status."""
        detail = {
            "pipelineExecutionDescription": execution.description,
            "pipelineExecutionDisplayName": execution.name,
            "currentPipelineExecutionStatus": execution.status,
            **({"previousPipelineExecutionStatus": before} if before else {}),
            "executionStartTime": moment(execution.started),
            **({"executionEndTime": moment(execution.ended)} if execution.ended else {}),
        }
        kind = "SageMaker Model Building Pipeline Execution Status Change"
        self._say(execution, kind, detail)

    def step(self, execution: Execution, run: StepRun, before: str) -> None:
        """A change of a step's status."""
        detail = {
            "stepName": run.name,
            "stepType": run.kind,
            "currentStepStatus": run.status,
            **({"previousStepStatus": before} if before else {}),
            "stepStartTime": moment(run.started),
            **({"stepEndTime": moment(run.ended)} if run.ended else {}),
            **({"failureReason": run.reason} if run.reason else {}),
            "cacheHitResult": {"sourcePipelineExecutionArn": run.cache_source} if run.cache_source else {},
            "metadata": {
                name[0].lower() + name[1:]: {each[0].lower() + each[1:]: value for each, value in about.items()}
                for name, about in run.metadata.items()
            },
        }
        self._say(execution, "SageMaker Model Building Pipeline Execution Step Status Change", detail)

    def _say(self, execution: Execution, kind: str, detail: dict[str, Any]) -> None:
        arns = {"pipelineArn": execution.pipeline_arn, "pipelineExecutionArn": execution.arn}
        self._announcer.tell(kind, {**arns, **detail}, list(arns.values()))
