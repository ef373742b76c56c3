"""Pipelines, executions and actions in the words of the CodePipeline API."""

from __future__ import annotations

from typing import Any

from labkit.rehearsal.runtime.codepipeline_records import (
    ActionRun,
    ConditionRun,
    Execution,
    PipelineState,
    Place,
    RuleRun,
    StageRun,
)

View = dict[str, Any]
_CONDITIONS = ("beforeEntry", "onSuccess", "onFailure")


def execution(item: Execution) -> View:
    """An execution as GetPipelineExecution shows it."""
    revisions = [
        {
            "name": name,
            "revisionId": revision["revisionId"],
            "revisionSummary": revision.get("revisionSummary"),
            "created": revision.get("created"),
        }
        for revision in item.revisions
        for name in _outputs_of(item, revision["actionName"])
    ]
    return {
        "pipelineName": item.pipeline,
        "pipelineVersion": item.structure.get("version", 1),
        "pipelineExecutionId": item.id,
        "artifactRevisions": revisions,
        "variables": [{"name": name, "resolvedValue": value} for name, value in item.variables.items()],
        **_common(item),
    }


def summary(item: Execution) -> View:
    """An execution as ListPipelineExecutions shows it."""
    revisions = [
        {name: revision.get(name) for name in ("actionName", "revisionId", "revisionSummary")}
        for revision in item.revisions
    ]
    return {
        "pipelineExecutionId": item.id,
        "startTime": item.started,
        "lastUpdateTime": item.changed,
        "sourceRevisions": revisions,
        **({"stopTrigger": {"reason": item.stop_reason}} if item.stop_reason else {}),
        **_common(item),
    }


def action(item: ActionRun) -> View:
    """A run of an action as ListActionExecutions shows it."""
    declared = item.declared
    result: View = {
        "externalExecutionId": item.external_id,
        "externalExecutionSummary": item.error_message or item.summary,
        "externalExecutionUrl": item.external_url,
    }
    if item.error_code:
        result["errorDetails"] = {"code": item.error_code, "message": item.error_message}
    if item.log_stream:
        result["logStreamARN"] = item.log_stream
    return {
        "pipelineExecutionId": item.execution_id,
        "actionExecutionId": item.id,
        "pipelineVersion": item.version,
        "stageName": item.stage,
        "actionName": item.name,
        "startTime": item.started,
        "lastUpdateTime": item.changed,
        "updatedBy": item.updated_by or None,
        "status": item.status,
        "input": {
            "actionTypeId": declared["actionTypeId"],
            "configuration": declared.get("configuration") or {},
            "resolvedConfiguration": item.resolved,
            "roleArn": declared.get("roleArn"),
            "region": declared.get("region"),
            "inputArtifacts": _artifacts(item.inputs),
            "namespace": declared.get("namespace"),
        },
        "output": {
            "outputArtifacts": _artifacts(item.outputs),
            "executionResult": result,
            "outputVariables": item.variables,
        },
    }


def rule(item: RuleRun) -> View:
    """A run of a rule as ListRuleExecutions shows it."""
    failed = {"errorDetails": {"code": "RuleFailed", "message": item.message}} if item.message else {}
    return {
        "pipelineExecutionId": item.execution_id,
        "ruleExecutionId": item.id,
        "pipelineVersion": item.version,
        "stageName": item.stage,
        "ruleName": item.declared["name"],
        "startTime": item.started,
        "lastUpdateTime": item.changed,
        "status": item.status,
        "input": {
            "ruleTypeId": item.declared["ruleTypeId"],
            "configuration": item.declared.get("configuration") or {},
            "resolvedConfiguration": item.resolved,
        },
        "output": {"executionResult": {"externalExecutionSummary": item.message, **failed}},
    }


def stages(state: PipelineState, structure: View) -> list[View]:
    """The stages as GetPipelineState shows them."""
    return [_stage(state, declared) for declared in structure["stages"]]


def _stage(state: PipelineState, declared: View) -> View:
    name = declared["name"]
    run, way = state.latest.get(name), state.transition(name)
    waiting = [
        {"pipelineExecutionId": item.id, "status": item.status, "type": item.kind}
        for item in state.running()
        if not item.inside and item.stage["name"] == name
    ]
    made: View = {
        "stageName": name,
        "inboundTransitionState": {
            "enabled": way.enabled,
            **({"disabledReason": way.reason} if not way.enabled else {}),
            **({"lastChangedBy": way.by, "lastChangedAt": way.at} if way.at else {}),
        },
        "inboundExecutions": waiting,
        **({"inboundExecution": waiting[-1]} if waiting else {}),
        "actionStates": [_action_state(item, run, state) for item in declared["actions"]],
    }
    if run is None:
        return made
    made["latestExecution"] = {"pipelineExecutionId": run.execution_id, "status": run.status, "type": run.kind}
    for kind in _CONDITIONS:
        if kind in run.conditions:
            made[f"{kind}ConditionState"] = _condition(run.conditions[kind])
    if run.manual_retries or run.automatic_retries:
        made["retryStageMetadata"] = {
            "manualStageRetryAttempt": run.manual_retries,
            "autoStageRetryAttempt": run.automatic_retries,
            "latestRetryTrigger": "ManualStageRetry" if run.manual_retries else "AutomatedStageRetry",
        }
    return made


def _action_state(declared: View, run: StageRun | None, state: PipelineState) -> View:
    last = run.actions.get(declared["name"]) if run else None
    if last is None:
        earlier = [one for one in state.history if run is None and one.name == declared["name"]]
        last = earlier[-1] if earlier else None
    if last is None:
        return {"actionName": declared["name"]}
    latest: View = {
        "actionExecutionId": last.id,
        "status": last.status,
        "summary": last.summary or last.error_message,
        "lastStatusChange": last.changed,
        "externalExecutionId": last.external_id or None,
    }
    if last.token and last.status == "InProgress":
        latest["token"] = last.token
    if last.updated_by:
        latest["lastUpdatedBy"] = last.updated_by
    if last.error_code:
        latest["errorDetails"] = {"code": last.error_code, "message": last.error_message}
    made: View = {"actionName": last.name, "latestExecution": latest}
    if last.revision:
        made["currentRevision"] = {"revisionId": last.revision["revisionId"], "created": last.revision.get("created")}
    return made


def _condition(check: ConditionRun) -> View:
    latest = {"status": check.status, "summary": check.summary, "lastStatusChange": check.changed}
    states = []
    for rules in check.rules:
        each = [
            {
                "ruleName": item.declared["name"],
                "latestExecution": {
                    "ruleExecutionId": item.id,
                    "status": item.status,
                    "summary": item.message,
                    "lastStatusChange": item.changed,
                },
            }
            for item in rules
        ]
        failed = any(item.status == "Failed" for item in rules)
        states.append({"latestExecution": {"status": "Failed" if failed else "Succeeded"}, "ruleStates": each})
    return {"latestExecution": {k: v for k, v in latest.items() if k != "lastStatusChange"}, "conditionStates": states}


def _common(item: Execution) -> View:
    return {
        "status": item.status,
        "statusSummary": item.summary or None,
        "trigger": {"triggerType": item.trigger_type, "triggerDetail": item.trigger_detail},
        "executionMode": item.mode,
        "executionType": item.kind,
        **({"rollbackMetadata": {"rollbackTargetPipelineExecutionId": item.target}} if item.target else {}),
    }


def _outputs_of(item: Execution, name: str) -> list[str]:
    return [
        output["name"]
        for stage in item.structure["stages"]
        for declared in stage["actions"]
        if declared["name"] == name
        for output in declared.get("outputArtifacts") or []
    ]


def _artifacts(places: dict[str, Place]) -> list[View]:
    return [{"name": name, "s3location": {"bucket": each.bucket, "key": each.key}} for name, each in places.items()]
