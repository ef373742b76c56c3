"""SageMaker Pipelines: each execution runs its steps as soon as what they need is there."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.pipelines_definition import Definition
from labkit.rehearsal.runtime.pipelines_events import Events
from labkit.rehearsal.runtime.pipelines_records import Execution, StepRun
from labkit.rehearsal.runtime.pipelines_steps import (
    StepFailed,
    Steps,
    StepStopped,
    cache_key,
    retry_policy,
)
from labkit.rehearsal.runtime.pipelines_values import ValueMissing, Values, duration, moment
from labkit.rehearsal.runtime.waiting import Hold

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_FAILURE = "Step failure: One or multiple steps failed."
# RetryPolicies: the documented values where a policy says nothing.
_INTERVAL, _RATE, _ATTEMPTS = 1, 2.0, 5


class Executions:
    """The executions of all pipelines of one account and region.

    Changes are made with ``lock`` held; nothing under it calls an API.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.lock = threading.RLock()
        self.all: dict[str, Execution] = {}
        self._tokens: dict[str, str] = {}
        self._steps = Steps(context)
        self._events = Events(context)

    def start(
        self,
        pipeline: str,
        pipeline_arn: str,
        text: str,
        definition: Definition,
        *,
        parameters: dict[str, Any],
        given: list[dict[str, str]],
        token: str = "",
        **more: Any,
    ) -> Execution:
        """Start an execution; the same token starts nothing anew."""
        with self.lock:
            if token and token in self._tokens:
                return self.all[self._tokens[token]]
            identifier = uuid.uuid4().hex[:12]
            now = self._context.clock.now()
            arn = f"{pipeline_arn}/execution/{identifier}"
            execution = Execution(
                arn, pipeline, pipeline_arn, text, definition, parameters, given, started=now, changed=now, **more
            )
            self.all[arn] = execution
            if token:
                self._tokens[token] = arn
            self._events.execution(execution, "")
            self.move(execution)
            return execution

    def stop(self, execution: Execution) -> None:
        """Stop what runs, then the execution."""
        with self.lock:
            if execution.status != "Executing":
                return
            execution.status = "Stopping"
            self._events.execution(execution, "Executing")
            stops = []
            for run in execution.steps.values():
                if run.status in ("Starting", "Executing"):
                    run.stopping = True
                    self._change(execution, run, "Stopping")
                    stops.append(run)
            self.move(execution)
        for run in stops:
            if run.stop is not None:
                run.stop()

    def retry(self, execution: Execution) -> None:
        """Go on with the steps that failed or were stopped; the others keep their results."""
        with self.lock:
            before, execution.status, execution.reason, execution.ended = execution.status, "Executing", "", None
            for name in [name for name, run in execution.steps.items() if run.status != "Succeeded"]:
                del execution.steps[name]
            self._events.execution(execution, before)
            self.move(execution)

    def move(self, execution: Execution) -> None:
        """Start every step that may start now; end the execution if none may and none runs."""
        with self.lock:
            if execution.status not in ("Executing", "Stopping"):
                return
            going = [run for run in execution.steps.values() if run.ended is None]
            failed = any(run.status == "Failed" for run in execution.steps.values())
            if execution.status == "Executing" and not failed:
                for name in execution.definition.steps:
                    if execution.most and len(going) >= execution.most:
                        break
                    if name not in execution.steps and self._ready(execution, name):
                        going.append(self._begin(execution, name))
            if not going:
                self._end(
                    execution, "Failed" if failed else "Stopped" if execution.status == "Stopping" else "Succeeded"
                )

    def _ready(self, execution: Execution, name: str) -> bool:
        definition = execution.definition
        parent = definition.parents.get(name)
        if parent is not None:
            condition = execution.steps.get(parent[0])
            if condition is None or condition.outcome is not (parent[1] == "IfSteps"):
                return False
        needed = [execution.steps.get(each) for each in definition.needs[name]]
        return all(run is not None and run.status == "Succeeded" for run in needed)

    def _begin(self, execution: Execution, name: str) -> StepRun:
        step = execution.definition.steps[name]
        run = StepRun(name, step["Type"], self._context.clock.now())
        execution.steps[name] = run
        execution.order = [each for each in execution.order if each != name] + [name]
        self._events.step(execution, run, "")
        hold = Hold(self._context)

        def work() -> None:
            try:
                self._carry_out(execution, step, run)
                self.move(execution)
            finally:
                hold.end()

        threading.Thread(target=work, name=f"step {name}", daemon=True).start()
        return run

    def _carry_out(self, execution: Execution, step: dict[str, Any], run: StepRun) -> None:
        self._change(execution, run, "Executing")
        status = "Failed"
        try:
            values = self._values(execution)
            if run.kind == "Condition":
                self._decide(step, run, values)
            else:
                arguments = values.of(step.get("Arguments", {}))
                if not self._from_cache(execution, step, run, arguments):
                    self._with_retries(execution, step, run, arguments)
            status = "Succeeded"
        except StepStopped:
            status = "Stopped"
        except (StepFailed, ValueMissing) as problem:
            run.reason = str(problem)
        except Exception as problem:  # whatever an API said is the step's failure, not the emulator's
            run.reason = f"ClientError: {problem}"
        if run.stopping and status == "Failed":
            status = "Stopped"
        with self.lock:
            run.ended = self._context.clock.now()
            self._change(execution, run, status)

    def _decide(self, step: dict[str, Any], run: StepRun, values: Values) -> None:
        run.outcome = all(values.holds(item) for item in step["Arguments"]["Conditions"])
        run.properties = {"Outcome": str(run.outcome)}
        run.metadata = {"Condition": {"Outcome": str(run.outcome)}}

    def _with_retries(
        self, execution: Execution, step: dict[str, Any], run: StepRun, arguments: dict[str, Any]
    ) -> None:
        while True:
            run.attempts += 1
            try:
                self._steps.run(step, arguments, run, execution.id)
                return
            except StepFailed as failure:
                policy = retry_policy(step, failure)
                if policy is None or run.stopping or run.attempts > int(policy.get("MaxAttempts", _ATTEMPTS)):
                    raise
                rate = float(policy.get("BackoffRate", _RATE)) ** (run.attempts - 1)
                pause = timedelta(seconds=float(policy.get("IntervalSeconds", _INTERVAL)) * rate)
                until = self._context.clock.now() + pause
                expiry = policy.get("ExpireAfterMin")
                if expiry is not None and until > run.started + timedelta(minutes=float(expiry)):
                    raise
                self._context.clock.wait_until(lambda until=until: self._context.clock.now() >= until)  # type: ignore[misc]

    def _from_cache(self, execution: Execution, step: dict[str, Any], run: StepRun, arguments: dict[str, Any]) -> bool:
        config = step.get("CacheConfig") or {}
        key = run.cache_key = cache_key(step, arguments)
        if not key or not config.get("Enabled"):
            return False
        oldest = self._context.clock.now() - duration(config["ExpireAfter"])
        with self.lock:
            for other in reversed(self.all.values()):
                found = other.steps.get(run.name) if other.pipeline_arn == execution.pipeline_arn else None
                if found is None or found.cache_key != key or found.status != "Succeeded" or found is run:
                    continue
                if found.ended is None or found.ended < oldest or found.cache_source:
                    continue
                run.properties, run.metadata = found.properties, found.metadata
                run.cache_source = other.arn
                return True
        return False

    def _values(self, execution: Execution) -> Values:
        about = {
            "PipelineExecutionId": execution.id,
            "PipelineExecutionArn": execution.arn,
            "PipelineName": execution.pipeline,
            "PipelineArn": execution.pipeline_arn,
            "StartDateTime": moment(execution.started),
        }
        done = {name: run.properties for name, run in execution.steps.items() if run.status == "Succeeded"}
        return Values(self._context, execution.definition, parameters=execution.parameters, about=about, steps=done)

    def _end(self, execution: Execution, status: str) -> None:
        before, execution.status = execution.status, status
        execution.ended = execution.changed = self._context.clock.now()
        if status == "Failed":
            fails = [run.reason for run in execution.steps.values() if run.kind == "Fail" and run.status == "Failed"]
            execution.reason = fails[0] if fails else _FAILURE
        self._events.execution(execution, before)

    def _change(self, execution: Execution, run: StepRun, status: str) -> None:
        with self.lock:
            if run.status == "Stopping" and status == "Executing":
                return
            before, run.status = run.status, status
            execution.changed = self._context.clock.now()
            self._events.step(execution, run, before)
