"""CodeBuild: change a project."""

from __future__ import annotations

from typing import Any

RESPONSE = "CodeBuildResponse"


def update_project(self: Any) -> Any:
    from moto.core.responses import ActionResult

    project = self.codebuild_backend.codebuild_projects[self._get_param("name")].project_metadata
    for name in (
        "description",
        "source",
        "artifacts",
        "environment",
        "serviceRole",
        "cache",
        "timeoutInMinutes",
        "queuedTimeoutInMinutes",
        "sourceVersion",
        "logsConfig",
        "vpcConfig",
        "tags",
        "encryptionKey",
    ):
        if (given := self._get_param(name)) is not None:
            project[name] = given
    return ActionResult({"project": project})


OPERATIONS = (update_project,)
