"""Executions and steps of SageMaker pipelines in the words of the API."""

from __future__ import annotations

from typing import Any

from labkit.rehearsal.runtime.pipelines_records import Execution, StepRun


def summary(item: Execution) -> dict[str, Any]:
    """An execution as ListPipelineExecutions shows it."""
    return {
        "PipelineExecutionArn": item.arn,
        "StartTime": item.started,
        "PipelineExecutionStatus": item.status,
        "PipelineExecutionDescription": item.description or None,
        "PipelineExecutionDisplayName": item.name,
        "PipelineExecutionFailureReason": item.reason or None,
    }


def step(execution: Execution, run: StepRun) -> dict[str, Any]:
    """A step as ListPipelineExecutionSteps shows it."""
    declared = execution.definition.steps[run.name]
    return {
        "StepName": run.name,
        "StepDisplayName": declared.get("DisplayName"),
        "StepDescription": declared.get("Description"),
        "StartTime": run.started,
        "EndTime": run.ended,
        "StepStatus": run.status,
        "FailureReason": run.reason or None,
        "AttemptCount": max(run.attempts, 1),
        "Metadata": run.metadata,
        **({"CacheHitResult": {"SourcePipelineExecutionArn": run.cache_source}} if run.cache_source else {}),
    }


def text(value: Any) -> str:
    """A parameter's value as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def page(member: str, items: list[Any], given: dict[str, Any]) -> dict[str, Any]:
    """One page of a list."""
    begin, size = int(given.get("NextToken") or 0), int(given.get("MaxResults") or 100)
    more = {"NextToken": str(begin + size)} if begin + size < len(items) else {}
    return {member: items[begin : begin + size], **more}
