"""What is known of an execution of a SageMaker pipeline and of its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from labkit.rehearsal.runtime.pipelines_definition import Definition


@dataclass
class StepRun:
    """One step in one execution.

    Args:
        properties: what other steps may refer to.
        metadata: as ListPipelineExecutionSteps shows it.
        stop: ends what the step started.
    """

    name: str
    kind: str
    started: datetime
    status: str = "Starting"
    ended: datetime | None = None
    reason: str = ""
    attempts: int = 0
    properties: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    cache_key: str = ""
    cache_source: str = ""
    outcome: bool | None = None
    stop: Callable[[], None] | None = None
    stopping: bool = False


@dataclass
class Execution:
    """One execution of a pipeline."""

    arn: str
    pipeline: str
    pipeline_arn: str
    text: str
    definition: Definition
    parameters: dict[str, Any]
    given: list[dict[str, str]]
    started: datetime
    changed: datetime
    name: str = ""
    description: str = ""
    most: int = 0
    status: str = "Executing"
    reason: str = ""
    ended: datetime | None = None
    steps: dict[str, StepRun] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]
