"""What is known of a pipeline: its executions, their stages, and each run of an action."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Declared = dict[str, Any]
RUNNING = ("InProgress", "Stopping")


@dataclass
class Place:
    """Where an artifact lies in the artifact store."""

    bucket: str
    key: str


@dataclass
class ActionRun:
    """One run of one action.

    Args:
        declared: the action in the pipeline's structure.
        resolved: its configuration with variables replaced.
    """

    execution_id: str
    version: int
    stage: str
    declared: Declared
    started: datetime
    changed: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    summary: str = ""
    token: str = ""
    external_id: str = ""
    external_url: str = ""
    error_code: str = ""
    error_message: str = ""
    log_stream: str = ""
    resolved: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, Place] = field(default_factory=dict)
    outputs: dict[str, Place] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    revision: dict[str, Any] = field(default_factory=dict)
    updated_by: str = ""
    expires: datetime | None = None

    @property
    def name(self) -> str:
        return str(self.declared["name"])

    @property
    def order(self) -> int:
        return int(self.declared.get("runOrder", 1))


@dataclass
class RuleRun:
    """One run of one rule of a stage's condition."""

    execution_id: str
    version: int
    stage: str
    declared: Declared
    started: datetime
    changed: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    message: str = ""
    resolved: dict[str, str] = field(default_factory=dict)


@dataclass
class ConditionRun:
    """The check of all conditions of one kind (``beforeEntry``, ``onSuccess``, ``onFailure``) of a stage."""

    kind: str
    status: str = "InProgress"
    result: str = ""
    summary: str = ""
    changed: datetime | None = None
    rules: list[list[RuleRun]] = field(default_factory=list)


@dataclass
class StageRun:
    """One execution's way through one stage.

    Args:
        step: ``entry``, ``actions``, ``success``, ``failure`` or ``over``.
    """

    name: str
    execution_id: str
    kind: str
    step: str = "entry"
    status: str = "InProgress"
    actions: dict[str, ActionRun] = field(default_factory=dict)
    conditions: dict[str, ConditionRun] = field(default_factory=dict)
    manual_retries: int = 0
    automatic_retries: int = 0


@dataclass
class Execution:
    """One execution.

    Args:
        structure: the pipeline as it was when the execution began.
        at: index of the stage that it is in or waits to enter.
        namespaces: output variables by namespace.
    """

    pipeline: str
    structure: Declared
    started: datetime
    changed: datetime
    trigger_type: str
    trigger_detail: str
    mode: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    summary: str = ""
    kind: str = "STANDARD"
    target: str = ""
    at: int = 0
    inside: bool = False
    attempt: int = 1
    variables: dict[str, str] = field(default_factory=dict)
    overrides: list[dict[str, str]] = field(default_factory=list)
    revisions: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[str, Place] = field(default_factory=dict)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    stages: dict[str, StageRun] = field(default_factory=dict)
    stop_reason: str = ""
    abandon: bool = False

    @property
    def stage(self) -> Declared:
        """The declaration of the stage where the execution is."""
        found: Declared = self.structure["stages"][self.at]
        return found


@dataclass
class Transition:
    """Whether executions may enter a stage."""

    enabled: bool = True
    reason: str = ""
    by: str = ""
    at: datetime | None = None


@dataclass
class PipelineState:
    """What happened in one pipeline.

    Args:
        latest: the last run of each stage.
        history: every run of an action, oldest first; ``rules`` likewise.
    """

    name: str
    executions: dict[str, Execution] = field(default_factory=dict)
    transitions: dict[str, Transition] = field(default_factory=dict)
    latest: dict[str, StageRun] = field(default_factory=dict)
    history: list[ActionRun] = field(default_factory=list)
    rules: list[RuleRun] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def transition(self, stage: str) -> Transition:
        """The way into a stage."""
        return self.transitions.setdefault(stage, Transition())

    def running(self) -> list[Execution]:
        """Executions that are not over, oldest first."""
        return [item for item in self.executions.values() if item.status in RUNNING]

    def occupied(self, stage: str) -> bool:
        """Whether an execution is inside of a stage."""
        return any(item.inside and item.stage["name"] == stage for item in self.running())
