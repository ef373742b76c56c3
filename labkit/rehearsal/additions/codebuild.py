"""CodeBuild: change a project."""

from __future__ import annotations

import json
from typing import Any

RESPONSE = "CodeBuildResponse"


def update_project(self: Any) -> Any:
    from moto.core.responses import ActionResult

    given = json.loads(self.body)
    project = self.codebuild_backend.codebuild_projects[given["name"]].project_metadata
    for name, value in given.items():
        if value is not None and name != "name":
            project[name] = value
    return ActionResult({"project": project})


OPERATIONS = (update_project,)
