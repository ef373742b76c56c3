"""The manual approval action: people are asked through a topic, and answer with the token of the pipeline's state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from labkit.rehearsal.runtime.codepipeline_records import ActionRun, Execution

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


def ask(context: Context, execution: Execution, action: ActionRun) -> None:
    """Publish the documented message, if the action names a topic."""
    config = action.resolved
    topic = config.get("NotificationArn")
    if not topic:
        return
    console = f"https://console.aws.amazon.com/codepipeline/home?region={context.region}#/view/{execution.pipeline}"
    assert action.expires is not None
    approval = {
        "pipelineName": execution.pipeline,
        "stageName": action.stage,
        "actionName": action.name,
        "token": action.token,
        "expires": f"{action.expires:%Y-%m-%dT%H:%MZ}",
        "externalEntityLink": config.get("ExternalEntityLink"),
        "approvalReviewLink": f"{console}/{action.stage}/{action.name}/approve/{action.token}",
        "customData": config.get("CustomData"),
    }
    message = {"region": context.region, "consoleLink": console, "approval": approval}
    subject = f"APPROVAL NEEDED: AWS CodePipeline {execution.pipeline} for action {action.name}"[:100]
    try:
        context.client("sns").publish(TopicArn=topic, Subject=subject, Message=json.dumps(message))
    except Exception as problem:
        context.ledger.note(f"{action.name}: nobody was asked: {problem}", about=execution.pipeline)
