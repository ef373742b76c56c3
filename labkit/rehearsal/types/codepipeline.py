"""CodePipeline: pipelines."""

from __future__ import annotations

import json

from labkit.rehearsal.types.row import Made, Row, Scene
from labkit.rehearsal.types.table import by, deleting


def _put(scene: Scene) -> Made:
    name = scene.name("Name", longest=100)
    given = scene.take(
        "ArtifactStore", "ArtifactStores", "RoleArn", "Stages", "ExecutionMode", "PipelineType", "Triggers", "Variables"
    )
    again = str(scene.take("RestartExecutionOnUpdate").get("RestartExecutionOnUpdate", False)).lower() == "true"
    closed = scene.take("DisableInboundStageTransitions").get("DisableInboundStageTransitions") or []
    before = {item["StageName"] for item in scene.old.get("DisableInboundStageTransitions") or []}
    tags = {} if scene.old else scene.take("Tags")
    if "ArtifactStores" in given:
        given["ArtifactStores"] = {store["Region"]: store["ArtifactStore"] for store in given["ArtifactStores"]}
    for stage in given["Stages"]:
        for action in stage["Actions"]:
            action.setdefault("RunOrder", 1)
    version = int(scene.attributes.get("Version", 0)) + 1
    pipeline = {"Name": name, "Version": version, **given}
    if not scene.old:
        # Its first execution starts with it, and a source may be fetched before a transition is closed by a call.
        scene.context.routes()["codepipeline"]("PUT", f"closed/{name}", json.dumps(closed).encode())
    scene.call(
        "codepipeline",
        "UpdatePipeline" if scene.old else "CreatePipeline",
        {"pipeline": pipeline, **tags},
        under="",
    )
    if scene.old:
        keys = {"untag": "UntagResource", "tag": "TagResource", "keys": "tagKeys"}
        scene.retag("codepipeline", {"resourceArn": scene.arn("codepipeline", name)}, **keys)
    for stage in sorted(before - {item["StageName"] for item in closed}):
        _transition(scene, "EnableStageTransition", name, {"stageName": stage})
    for item in closed:
        _transition(scene, "DisableStageTransition", name, {"stageName": item["StageName"], "reason": item["Reason"]})
    if scene.old and again:
        scene.call("codepipeline", "StartPipelineExecution", {"name": name})
    return Made(name, {"Version": str(version), "Arn": scene.arn("codepipeline", name)})


def _transition(scene: Scene, operation: str, name: str, stage: dict[str, str]) -> None:
    scene.call("codepipeline", operation, {"pipelineName": name, "transitionType": "Inbound", **stage})


ROWS = [
    Row(
        type="AWS::CodePipeline::Pipeline",
        label="executed",
        create=_put,
        update=_put,
        delete=deleting("codepipeline", "DeletePipeline", by("name")),
    ),
]
