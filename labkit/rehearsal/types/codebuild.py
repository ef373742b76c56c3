"""CodeBuild: projects."""

from __future__ import annotations

from labkit.rehearsal.types.table import by, simple

ROWS = [
    simple(
        "AWS::CodeBuild::Project",
        "codebuild",
        create="CreateProject",
        name="Name",
        label="executed",
        attributes=lambda scene, answer: {"Arn": answer["project"]["arn"], "Id": scene.physical_id},
        read=("BatchGetProjects", lambda scene: {"names": [scene.physical_id]}),
        within="projects",
        update=("UpdateProject", lambda scene: {"name": scene.physical_id}),
        delete=("DeleteProject", by("name")),
    ),
]
