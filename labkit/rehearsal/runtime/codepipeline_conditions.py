"""The rules of a stage's conditions: an alarm's state, a variable's value, a function's word."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.codepipeline_actions import Actions, Job
from labkit.rehearsal.runtime.codepipeline_artifacts import ActionFailed, resolve
from labkit.rehearsal.runtime.codepipeline_records import (
    ConditionRun,
    Execution,
    PipelineState,
    RuleRun,
    StageRun,
)

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "EQ": lambda left, right: left == right,
    "NE": lambda left, right: left != right,
    "CONTAINS": lambda left, right: right in left,
    "MATCHES": lambda left, right: re.fullmatch(right, left) is not None,
}


def check(
    context: Context,
    actions: Actions,
    state: PipelineState,
    execution: Execution,
    run: StageRun,
    condition: ConditionRun,
) -> None:
    """Run the rules of all conditions of a kind; a condition fails if one of its rules does."""
    checker = _Checker(context, actions, execution)
    failed: list[str] = []
    for declared in execution.stage[condition.kind]["conditions"]:
        rules: list[RuleRun] = []
        condition.rules.append(rules)
        for rule in declared.get("rules") or []:
            now = context.clock.now()
            version = int(execution.structure.get("version", 1))
            one = RuleRun(execution.id, version, run.name, rule, started=now, changed=now)
            rules.append(one)
            state.rules.append(one)
            try:
                checker.run(one)
                one.status = "Succeeded"
            except ActionFailed as problem:
                one.status, one.message = "Failed", str(problem)
                failed.append(f"{rule['name']}: {problem}")
            except Exception as problem:  # whatever an API said is the rule's failure
                one.status, one.message = "Failed", str(problem)
                failed.append(f"{rule['name']}: {problem}")
            one.changed = context.clock.now()
        if failed:
            condition.result = declared.get("result", "")
            break
    if condition.status == "InProgress":  # it may have been overridden meanwhile
        condition.summary = "; ".join(failed)
        condition.changed = context.clock.now()
        condition.status = "Failed" if failed else "Succeeded"


class _Checker:
    def __init__(self, context: Context, actions: Actions, execution: Execution) -> None:
        self._context, self._actions, self._execution = context, actions, execution

    def run(self, rule: RuleRun) -> None:
        provider = rule.declared["ruleTypeId"]["provider"]
        given = rule.declared.get("configuration") or {}
        rule.resolved = {name: resolve(self._execution, str(text)) for name, text in given.items()}
        kinds = {"VariableCheck": self._variable, "CloudWatchAlarm": self._alarm, "LambdaInvoke": self._function}
        if provider not in kinds:
            note = f"rule {rule.declared['name']}: {provider} is not rehearsed; it fails"
            self._context.ledger.note(note, about=self._execution.pipeline)
            raise ActionFailed(f"not rehearsed: a rule of {provider}")
        kinds[provider](rule)

    def _variable(self, rule: RuleRun) -> None:
        config = rule.resolved
        operator = _OPERATORS.get(config.get("Operator", ""))
        if operator is None:
            raise ActionFailed(f"Operator {config.get('Operator')} given; allowed: {', '.join(_OPERATORS)}")
        if not operator(config["Variable"], config["Value"]):
            raise ActionFailed(f"{config['Variable']} is not {config['Operator']} {config['Value']}")

    def _alarm(self, rule: RuleRun) -> None:
        """Fails while the alarm is in one of the states, after the time that it may take to leave them."""
        config = rule.resolved
        watched = {item.strip() for item in config.get("AlarmStates", "ALARM").split(",")}
        until = rule.started + timedelta(minutes=float(config.get("WaitTime") or 0))
        entry = "beforeEntry" in self._execution.stage and rule.declared in [
            item for one in self._execution.stage["beforeEntry"].get("conditions", []) for item in one.get("rules", [])
        ]

        def bad() -> bool:
            found = self._context.client("cloudwatch").describe_alarms(AlarmNames=[config["AlarmName"]])
            alarms: list[Any] = found["MetricAlarms"] + found["CompositeAlarms"]
            if not alarms:
                raise ActionFailed(f"There is no alarm {config['AlarmName']}")
            return alarms[0]["StateValue"] in watched

        def over() -> bool:
            # At the entry an alarm may calm down within the time; afterwards it must stay calm for all of it.
            return bad() != entry or self._context.clock.now() >= until

        self._context.clock.wait_until(over)
        if bad():
            raise ActionFailed(f"The alarm {config['AlarmName']} is in one of the states {', '.join(sorted(watched))}")

    def _function(self, rule: RuleRun) -> None:
        job = Job(str(uuid.uuid4()), {"actionConfiguration": {"configuration": rule.resolved}, "inputArtifacts": []})
        self._actions.jobs[job.id] = job
        event = {"CodePipeline.job": {"id": job.id, "accountId": self._context.account, "data": job.data}}
        self._context.client("lambda").invoke(
            FunctionName=rule.resolved["FunctionName"], InvocationType="Event", Payload=json.dumps(event)
        )
        until = rule.started + timedelta(minutes=int(rule.declared.get("timeoutInMinutes") or 60))
        self._context.clock.wait_until(lambda: bool(job.answer) or self._context.clock.now() > until)
        if not job.answer:
            raise ActionFailed("The function did not answer in time")
        if "failureDetails" in job.answer:
            raise ActionFailed(job.answer["failureDetails"]["message"])
