"""CodeBuild: projects."""

from __future__ import annotations

from labkit.rehearsal.types.row import Properties, Scene
from labkit.rehearsal.types.table import by, simple


def _project(scene: Scene, given: Properties) -> Properties:
    # moto refuses a pipeline's source and artifacts without a location, which CodePipeline sets itself.
    for part in ("Source", "Artifacts"):
        if given[part]["Type"] == "CODEPIPELINE":
            given[part] = {"Location": "codepipeline", **given[part]}
    return given


ROWS = [
    simple(
        "AWS::CodeBuild::Project",
        "codebuild",
        create="CreateProject",
        name="Name",
        send=_project,
        attributes=lambda scene, answer: {"Arn": answer["project"]["arn"], "Id": scene.physical_id},
        update=("UpdateProject", lambda scene: {"name": scene.physical_id}),
        delete=("DeleteProject", by("name")),
    ),
]
