"""How an execution moves: into a stage, through its actions and conditions, out of it, or to a stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.rehearsal.runtime import codepipeline_conditions
from labkit.rehearsal.runtime.codepipeline_records import ConditionRun, Execution, PipelineState, StageRun

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context
    from labkit.rehearsal.runtime.codepipeline import Pipelines


class Moves:
    """Takes single steps; all are called with the lock of the pipelines held."""

    def __init__(self, context: Context, pipelines: Pipelines) -> None:
        self._context, self._pipelines = context, pipelines

    def go(self, state: PipelineState, execution: Execution) -> bool:
        """One step of one execution; whether anything changed."""
        if execution.status == "Stopping":
            return self._stop(execution)
        if execution.status != "InProgress":
            return False
        if not execution.inside:
            return self._enter(state, execution)
        run = execution.stages[execution.stage["name"]]
        return bool(
            {"entry": self._entry, "actions": self._actions, "success": self._success, "failure": self._failure}[
                run.step
            ](state, execution, run)
        )

    def _enter(self, state: PipelineState, execution: Execution) -> bool:
        stage = execution.stage["name"]
        if not state.transition(stage).enabled or (execution.mode != "PARALLEL" and state.occupied(stage)):
            return self._supersede(state, execution)
        waiting = [item for item in state.running() if not item.inside and item.at == execution.at]
        if execution.mode == "QUEUED" and waiting[0] is not execution:
            return False
        if execution.mode == "SUPERSEDED" and waiting[-1] is not execution:
            return self._supersede(state, execution)
        execution.inside = True
        run = execution.stages[stage] = StageRun(stage, execution.id, execution.kind)
        state.latest[stage] = run
        self._pipelines.events.stage(execution, run, "STARTED")
        return True

    def _supersede(self, state: PipelineState, execution: Execution) -> bool:
        later = [
            item for item in state.running() if item.at == execution.at and not item.inside and item is not execution
        ]
        ids = list(state.executions)
        newer = [item for item in later if ids.index(item.id) > ids.index(execution.id)]
        if execution.mode != "SUPERSEDED" or not newer:
            return False
        execution.status, execution.changed = "Superseded", self._context.clock.now()
        self._pipelines.events.pipeline(execution, "SUPERSEDED")
        return True

    def _entry(self, state: PipelineState, execution: Execution, run: StageRun) -> bool:
        check = self._condition(state, execution, run, "beforeEntry")
        if check is None or check.status in ("Succeeded", "Overridden"):
            run.step = "actions"
            return True
        if check.status == "InProgress":
            return False
        if check.result == "SKIP":
            run.status, run.step = "Skipped", "over"
            return self._leave(execution)
        return self._fail(execution, run, check.summary)

    def _actions(self, state: PipelineState, execution: Execution, run: StageRun) -> bool:
        statuses = [item.status for item in run.actions.values()]
        if "InProgress" in statuses:
            return False
        if "Failed" in statuses or "Abandoned" in statuses:
            run.step = "failure"
            return True
        left = [item for item in execution.stage["actions"] if item["name"] not in run.actions]
        if not left:
            run.step = "success"
            return True
        order = min(int(item.get("runOrder", 1)) for item in left)
        for declared in [item for item in left if int(item.get("runOrder", 1)) == order]:
            self._pipelines.begin(state, execution, run, declared)
        return True

    def _success(self, state: PipelineState, execution: Execution, run: StageRun) -> bool:
        check = self._condition(state, execution, run, "onSuccess")
        if check is not None and check.status == "InProgress":
            return False
        if check is not None and check.status == "Failed":
            message = f"Condition onSuccess failed: {check.summary}"
            self._fail(execution, run, message)
            if check.result == "ROLLBACK" and execution.kind == "STANDARD":
                self._automatic_roll_back(state, execution, run)
            return True
        run.status, run.step = "Succeeded", "over"
        self._pipelines.events.stage(execution, run, "SUCCEEDED")
        return self._leave(execution)

    def _failure(self, state: PipelineState, execution: Execution, run: StageRun) -> bool:
        wanted = execution.stage.get("onFailure") or {}
        check = self._condition(state, execution, run, "onFailure")
        if check is not None and check.status == "InProgress":
            return False
        result = wanted.get("result") if check is None or not wanted.get("conditions") else None
        if check is not None and check.status == "Failed":
            result = check.result or wanted.get("result")
        if result == "RETRY" and run.automatic_retries == 0:
            # "Automatic retry": a failed stage is tried once more.
            everything = (wanted.get("retryConfiguration") or {}).get("retryMode") == "ALL_ACTIONS"
            self._pipelines.events.stage(execution, run, "FAILED")
            self._pipelines.retry(state, execution, run, everything, manual=False)
            return True
        failed = next((item for item in run.actions.values() if item.status == "Failed"), None)
        self._fail(execution, run, failed.error_message if failed else "")
        if result == "ROLLBACK" and execution.kind == "STANDARD":
            self._automatic_roll_back(state, execution, run)
        return True

    def _automatic_roll_back(self, state: PipelineState, execution: Execution, run: StageRun) -> None:
        target = self._pipelines.last_success(state, run.name, execution)
        if target is None:
            self._context.ledger.note(
                f"stage {run.name} has no earlier success to roll back to", about=execution.pipeline
            )
            return
        self._pipelines.roll_back(execution, run.name, target, "AutomatedRollback", execution.id)

    def _leave(self, execution: Execution) -> bool:
        execution.inside = False
        execution.changed = self._context.clock.now()
        last = execution.kind == "ROLLBACK" or execution.at + 1 == len(execution.structure["stages"])
        if last:
            execution.status = "Succeeded"
            self._pipelines.events.pipeline(execution, "SUCCEEDED")
        else:
            execution.at += 1
        return True

    def _fail(self, execution: Execution, run: StageRun, message: str) -> bool:
        run.status, run.step = "Failed", "over"
        execution.status, execution.summary, execution.inside = "Failed", message, False
        execution.changed = self._context.clock.now()
        self._pipelines.events.stage(execution, run, "FAILED")
        self._pipelines.events.pipeline(execution, "FAILED")
        return True

    def _stop(self, execution: Execution) -> bool:
        run = execution.stages.get(execution.stage["name"]) if execution.inside else None
        going = [item for item in run.actions.values() if item.status == "InProgress"] if run else []
        if going and not execution.abandon:
            return False
        for action in going:
            action.status, action.changed = "Abandoned", self._context.clock.now()
            self._pipelines.events.action(execution, action, "ABANDONED")
        if run is not None:
            run.status, run.step = "Stopped", "over"
            self._pipelines.events.stage(execution, run, "STOPPED")
        execution.status, execution.summary, execution.inside = "Stopped", execution.stop_reason, False
        execution.changed = self._context.clock.now()
        self._pipelines.events.pipeline(execution, "STOPPED")
        return True

    def _condition(self, state: PipelineState, execution: Execution, run: StageRun, kind: str) -> ConditionRun | None:
        wanted = (execution.stage.get(kind) or {}).get("conditions")
        if not wanted:
            return None
        if kind not in run.conditions:
            check = run.conditions[kind] = ConditionRun(kind, changed=self._context.clock.now())
            self._pipelines.behind(
                lambda: codepipeline_conditions.check(
                    self._context, self._pipelines.actions, state, execution, run, check
                ),
                lambda: self._pipelines.move(state.name),
            )
        return run.conditions[kind]
