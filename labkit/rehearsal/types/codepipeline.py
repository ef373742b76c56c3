"""CodePipeline: pipelines."""

from __future__ import annotations

from labkit.rehearsal.types.row import Made, Row, Scene
from labkit.rehearsal.types.table import by, deleting


def _put(scene: Scene) -> Made:
    name = scene.name("Name", longest=100)
    given = scene.take(
        "ArtifactStore", "ArtifactStores", "RoleArn", "Stages", "ExecutionMode", "PipelineType", "Triggers", "Variables"
    )
    tags, _ = scene.take("Tags"), scene.take("RestartExecutionOnUpdate")
    if "ArtifactStores" in given:
        given["ArtifactStores"] = {store["Region"]: store["ArtifactStore"] for store in given["ArtifactStores"]}
    for stage in given["Stages"]:
        for action in stage["Actions"]:
            action.setdefault("RunOrder", 1)
    version = int(scene.attributes.get("Version", 0)) + 1
    pipeline = {"Name": name, "Version": version, **given}
    scene.call(
        "codepipeline",
        "UpdatePipeline" if scene.old else "CreatePipeline",
        {"pipeline": pipeline, **({} if scene.old else tags)},
        under="",
    )
    return Made(name, {"Version": str(version), "Arn": scene.arn("codepipeline", name)})


ROWS = [
    Row(
        type="AWS::CodePipeline::Pipeline",
        label="recorded",
        create=_put,
        update=_put,
        delete=deleting("codepipeline", "DeletePipeline", by("name")),
    ),
]
