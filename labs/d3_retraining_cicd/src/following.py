"""Follows executions of the release pipeline to where they wait for a person or end, and approves as the release role.

Used by the steps and the claims of this lab.
"""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from labkit.session import Session, StepFailed

WAITS = "waits for approval"
GOING = ("InProgress", "Stopping")
PATIENCE = 3 * 3600


class Train:
    """The release pipeline of the branch that reaches production."""

    def __init__(self, session: Session) -> None:
        self.session, self.name = session, session.outputs["PipelineProductionName"]
        self._pipelines = session.client("codepipeline")

    def executions(self) -> list[dict[str, Any]]:
        """All executions, newest first."""
        found = self._pipelines.list_pipeline_executions(pipelineName=self.name, maxResults=100)
        listed: list[dict[str, Any]] = found["pipelineExecutionSummaries"]
        return sorted(listed, key=lambda one: one["startTime"], reverse=True)

    def known(self) -> set[str]:
        return {one["pipelineExecutionId"] for one in self.executions()}

    def next(self, known: set[str], what: str) -> str:
        """Wait until an execution begins that was not known before, and give its id."""

        def new() -> str | None:
            fresh = [one["pipelineExecutionId"] for one in self.executions() if one["pipelineExecutionId"] not in known]
            return fresh[-1] if fresh else None

        return str(self.session.wait(what, new, timeout=900, every=5))

    def start(self, **variables: str) -> str:
        """Start an execution by hand, with other values of the pipeline's variables."""
        given = [{"name": name, "value": value} for name, value in variables.items()]
        started = self._pipelines.start_pipeline_execution(name=self.name, **({"variables": given} if given else {}))
        return str(started["pipelineExecutionId"])

    def retry(self, execution: str, stage: str) -> None:
        """Run the failed actions of a stage again and go on from there, as the release role."""
        self.as_release_role("codepipeline").retry_stage_execution(
            pipelineName=self.name, stageName=stage, pipelineExecutionId=execution, retryMode="FAILED_ACTIONS"
        )

    def status(self, execution: str) -> str:
        """Succeeded, Failed, InProgress ..., or that it waits for approval."""
        found = self._pipelines.get_pipeline_execution(pipelineName=self.name, pipelineExecutionId=execution)
        state = str(found["pipelineExecution"]["status"])
        return WAITS if state == "InProgress" and self._token(execution) else state

    def follow(self, execution: str, *, meanwhile: Any = None) -> str:
        """Wait until an execution ends or waits for approval, and give its status.

        Args:
            execution: its id.
            meanwhile: called before each look.
        """

        def settled() -> str | None:
            if meanwhile is not None:
                meanwhile()
            state = self.status(execution)
            return None if state in GOING else state

        return str(self.session.wait(f"execution {execution[:8]}", settled, timeout=PATIENCE, every=20))

    def expect(self, execution: str, wanted: str, *, stage: str | None = None, meanwhile: Any = None) -> str:
        """Follow an execution, show its actions, and require how it ended; give the reason of a failure."""
        state = self.follow(execution, meanwhile=meanwhile)
        rows = self.actions(execution)
        self.session.table(f"Execution {execution[:8]}: {state}", rows)
        failed = [row for row in rows if row["status"] == "Failed"]
        if state != wanted or (stage and [row["stage"] for row in failed] != [stage]):
            where = f" in stage {stage}" if stage else ""
            raise StepFailed(f"Execution {execution} should be {wanted}{where}; it is {state}: {failed}")
        return str(failed[0]["told"]) if failed else ""

    def actions(self, execution: str) -> list[dict[str, str]]:
        """The latest run of each action, in order, with what it told."""
        pages = self._pipelines.get_paginator("list_action_executions").paginate(
            pipelineName=self.name, filter={"pipelineExecutionId": execution}
        )
        found = [entry for page in pages for entry in page["actionExecutionDetails"]]
        latest: dict[tuple[str, str], dict[str, Any]] = {}
        for entry in sorted(found, key=lambda one: one["startTime"]):
            latest.pop((entry["stageName"], entry["actionName"]), None)
            latest[entry["stageName"], entry["actionName"]] = entry
        return [
            {"stage": stage, "action": action, "status": entry["status"], "told": self._told(entry)}
            for (stage, action), entry in latest.items()
        ]

    def failed_at(self, execution: str) -> str | None:
        """The stage at which an execution failed."""
        failed = [row["stage"] for row in self.actions(execution) if row["status"] == "Failed"]
        return failed[0] if failed else None

    def decide(self, execution: str, status: str, summary: str) -> None:
        """Approve or reject what waits, as the release role."""
        self.as_release_role("codepipeline").put_approval_result(
            pipelineName=self.name,
            stageName="Approval",
            actionName="Approve",
            result={"status": status, "summary": summary},
            token=self._token(execution),
        )

    def as_release_role(self, service: str) -> Any:
        """A client with the rights of the release role."""
        taken = self.session.client("sts").assume_role(
            RoleArn=self.session.outputs["ReleaseRoleArn"], RoleSessionName="release"
        )["Credentials"]
        return boto3.client(
            service,
            region_name=self.session.region,
            aws_access_key_id=taken["AccessKeyId"],
            aws_secret_access_key=taken["SecretAccessKey"],
            aws_session_token=taken["SessionToken"],
        )

    def note(self, execution: str, name: str) -> dict[str, Any]:
        """What a stage of an execution noted."""
        found = self.session.client("s3").get_object(
            Bucket=self.session.outputs["ModelsBucketName"], Key=f"runs/{execution}/{name}.json"
        )
        return dict(json.loads(found["Body"].read()))

    def _token(self, execution: str) -> str | None:
        for stage in self._pipelines.get_pipeline_state(name=self.name)["stageStates"]:
            if stage["stageName"] == "Approval":
                latest = stage.get("latestExecution", {})
                for action in stage.get("actionStates", []):
                    waiting = action.get("latestExecution", {})
                    if waiting.get("status") == "InProgress" and latest.get("pipelineExecutionId") == execution:
                        return waiting.get("token")
        return None

    def _told(self, entry: dict[str, Any]) -> str:
        """The last line that a build wrote, or the provider's own summary."""
        result = entry.get("output", {}).get("executionResult", {})
        build = str(result.get("externalExecutionId", ""))
        if entry.get("input", {}).get("actionTypeId", {}).get("provider") != "CodeBuild" or ":" not in build:
            details = result.get("errorDetails", {}).get("message")
            return str(details or result.get("externalExecutionSummary", ""))
        found = self.session.client("codebuild").batch_get_builds(ids=[build])["builds"]
        place = found[0].get("logs", {}) if found else {}
        if not place.get("streamName"):
            return ""
        lines = self.session.client("logs").get_log_events(
            logGroupName=place["groupName"], logStreamName=place["streamName"], startFromHead=True
        )["events"]
        said = [line["message"].strip() for line in lines if not line["message"].startswith("[Container]")]
        said = [line for line in said if line]
        refused = [line for line in said if line.startswith("REFUSED: ")]
        return (refused or said or [""])[-1].removeprefix("REFUSED: ")


def deliver(session: Session, name: str) -> None:
    """Put a delivery of the data folder into the bucket; EventBridge tells the pipeline."""
    session.client("s3").put_object(
        Bucket=session.outputs["DataBucketName"],
        Key=f"incoming/{name}",
        Body=(session.data / name).read_bytes(),
        ContentType="text/csv",
    )


def serving(session: Session, environment: str = "Production") -> dict[str, Any] | None:
    """The stack of an environment: its state, and the package that it serves; None before the first release."""
    try:
        found = session.client("cloudformation").describe_stacks(StackName=session.outputs[f"{environment}StackName"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    stack = found["Stacks"][0]
    outputs = {entry["OutputKey"]: entry["OutputValue"] for entry in stack.get("Outputs", [])}
    return {"status": stack["StackStatus"], "package": outputs.get("ModelPackage", "")}


def version(package: str) -> str:
    """The number of a package's version, from its ARN."""
    return package.rpartition("/")[2]
