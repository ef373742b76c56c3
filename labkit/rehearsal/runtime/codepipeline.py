"""CodePipeline: executions go from stage to stage by the rules of their mode; whatever changes, all moves on from here."""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import codepipeline_approval
from labkit.rehearsal.runtime.codepipeline_actions import Actions
from labkit.rehearsal.runtime.codepipeline_artifacts import ActionFailed, Artifacts, resolve
from labkit.rehearsal.runtime.codepipeline_events import Events
from labkit.rehearsal.runtime.codepipeline_moves import Moves
from labkit.rehearsal.runtime.codepipeline_records import (
    ActionRun,
    Execution,
    PipelineState,
    StageRun,
)
from labkit.rehearsal.runtime.waiting import Hold

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context
    from labkit.rehearsal.runtime.codebuild import Builds

_APPROVAL_DAYS = timedelta(days=7)


class Pipelines:
    """The pipelines of one account and region.

    Every change is made with ``lock`` held, and ends with :meth:`move`. Nothing under the lock calls an API.
    """

    def __init__(self, context: Context, builds: Builds) -> None:
        self._context = context
        self.lock = threading.RLock()
        self.states: dict[str, PipelineState] = {}
        self.artifacts = Artifacts(context)
        self.actions = Actions(context, builds, self.artifacts)
        self.events = Events(context)
        self._moves = Moves(context, self)
        context.clock.subscribe(self._tick)

    def state(self, name: str) -> PipelineState:
        """What happened in a pipeline until now."""
        with self.lock:
            return self.states.setdefault(name, PipelineState(name))

    def start(
        self,
        structure: dict[str, Any],
        *,
        trigger: str,
        detail: str,
        variables: dict[str, str] | None = None,
        overrides: list[dict[str, str]] | None = None,
    ) -> Execution:
        """Start an execution of a pipeline as it is now."""
        with self.lock:
            now = self._context.clock.now()
            defaults = {item["name"]: item.get("defaultValue", "") for item in structure.get("variables") or []}
            execution = Execution(
                pipeline=structure["name"],
                structure=copy.deepcopy(structure),
                started=now,
                changed=now,
                trigger_type=trigger,
                trigger_detail=detail,
                mode=structure.get("executionMode") or "SUPERSEDED",
                variables={**defaults, **(variables or {})},
                overrides=overrides or [],
            )
            self.state(execution.pipeline).executions[execution.id] = execution
            self.events.pipeline(execution, "STARTED")
            self.move(execution.pipeline)
            return execution

    def roll_back(
        self, failed: Execution | None, stage: str, target: Execution, trigger: str, detail: str
    ) -> Execution:
        """Start an execution that runs one stage again with what an earlier execution had there."""
        with self.lock:
            now = self._context.clock.now()
            execution = Execution(
                pipeline=target.pipeline,
                structure=target.structure,
                started=now,
                changed=now,
                trigger_type=trigger,
                trigger_detail=detail,
                mode=target.mode,
                kind="ROLLBACK",
                target=target.id,
                at=[item["name"] for item in target.structure["stages"]].index(stage),
                variables=dict(target.variables),
                revisions=list(target.revisions),
                artifacts=dict(target.artifacts),
                namespaces={name: dict(values) for name, values in target.namespaces.items()},
            )
            self.state(target.pipeline).executions[execution.id] = execution
            self.events.pipeline(execution, "STARTED")
            self.move(target.pipeline)
            return execution

    def last_success(self, state: PipelineState, stage: str, before: Execution) -> Execution | None:
        """The last execution that went through a stage before ``before`` did."""
        found = [
            item
            for item in state.executions.values()
            if item.id != before.id and stage in item.stages and item.stages[stage].status == "Succeeded"
        ]
        return found[-1] if found else None

    def move(self, name: str) -> None:
        """Let every execution of a pipeline go as far as it can."""
        with self.lock:
            state = self.state(name)
            while any(self._moves.go(state, execution) for execution in state.running()):
                pass

    def retry(self, state: PipelineState, execution: Execution, run: StageRun, everything: bool, manual: bool) -> None:
        """Have the failed actions of a stage (or all) run again, then go on."""
        with self.lock:
            run.manual_retries += int(manual)
            run.automatic_retries += int(not manual)
            run.status, run.step = "InProgress", "actions"
            for kind in ("onSuccess", "onFailure"):
                run.conditions.pop(kind, None)
            if everything:
                run.actions = {}
            else:
                run.actions = {key: one for key, one in run.actions.items() if one.status == "Succeeded"}
            execution.status, execution.summary, execution.inside = "InProgress", "", True
            execution.attempt += 1
            execution.changed = self._context.clock.now()
            self.events.pipeline(execution, "RESUMED")
            self.events.stage(execution, run, "RESUMED")
            self.move(state.name)

    def finish_action(
        self, execution: Execution, action: ActionRun, status: str, *, code: str = "", message: str = ""
    ) -> None:
        """Enter the end of an action and go on."""
        with self.lock:
            if action.status != "InProgress":
                return
            action.status, action.changed = status, self._context.clock.now()
            action.error_code, action.error_message = code, message
            action.summary = action.summary or message
            execution.changed = action.changed
            if status == "Succeeded":
                if namespace := action.declared.get("namespace"):
                    execution.namespaces[namespace] = dict(action.variables)
                if action.revision:
                    execution.revisions.append({"actionName": action.name, **action.revision})
            self.events.action(execution, action, status.upper())
            self.move(execution.pipeline)

    def begin(self, state: PipelineState, execution: Execution, run: StageRun, declared: dict[str, Any]) -> None:
        """Start an action of a stage."""
        now = self._context.clock.now()
        version = int(execution.structure.get("version", 1))
        action = ActionRun(execution.id, version, run.name, declared, started=now, changed=now)
        run.actions[action.name] = action
        state.history.append(action)
        self.events.action(execution, action, "STARTED")
        try:
            given = declared.get("configuration") or {}
            action.resolved = {name: resolve(execution, str(text)) for name, text in given.items()}
            for item in declared.get("inputArtifacts") or []:
                if item["name"] not in execution.artifacts:
                    raise ActionFailed(f"The input artifact {item['name']} was not produced", "ConfigurationError")
                action.inputs[item["name"]] = execution.artifacts[item["name"]]
        except ActionFailed as problem:
            # Not finish_action: move() is under way and will see it.
            action.status, action.error_code, action.error_message = "Failed", problem.code, str(problem)
            self.events.action(execution, action, "FAILED")
            return
        if declared["actionTypeId"]["category"] == "Approval":
            minutes = declared.get("timeoutInMinutes")
            action.token, action.external_id = str(uuid.uuid4()), ""
            action.expires = now + (timedelta(minutes=int(minutes)) if minutes else _APPROVAL_DAYS)
            self.behind(lambda: codepipeline_approval.ask(self._context, execution, action), lambda: None)
            return
        self.behind(lambda: self._carry_out(execution, action), lambda: None)

    def _carry_out(self, execution: Execution, action: ActionRun) -> None:
        try:
            self.actions.run(execution, action)
        except ActionFailed as problem:
            self.finish_action(execution, action, "Failed", code=problem.code, message=str(problem))
        except Exception as problem:  # whatever an API said is the action's failure, not the emulator's
            self.finish_action(execution, action, "Failed", code="JobFailed", message=str(problem))
        else:
            self.finish_action(execution, action, "Succeeded")

    def behind(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Do something that may call APIs, without the lock; emulated time stands still meanwhile."""
        hold = Hold(self._context)

        def run() -> None:
            try:
                work()
                then()
            finally:
                hold.end()

        threading.Thread(target=run, daemon=True).start()

    def _tick(self, now: datetime) -> None:
        with self.lock:
            late = [
                (execution, action)
                for state in self.states.values()
                for execution in state.running()
                for run in execution.stages.values()
                for action in run.actions.values()
                if action.status == "InProgress" and action.expires and action.expires <= now
            ]
            for execution, action in late:
                message = "The approval action was not answered in time"
                self.finish_action(execution, action, "Failed", code="ActionTimedOut", message=message)
