"""CodeDeploy: delete applications and deployment groups."""

from __future__ import annotations

import json
from typing import Any

RESPONSE = "CodeDeployResponse"


def delete_application(self: Any) -> str:
    name = self._get_param("applicationName")
    self.codedeploy_backend.applications.pop(name, None)
    self.codedeploy_backend.deployment_groups.pop(name, None)
    return json.dumps({})


def delete_deployment_group(self: Any) -> str:
    groups = self.codedeploy_backend.deployment_groups.get(self._get_param("applicationName"), {})
    groups.pop(self._get_param("deploymentGroupName"), None)
    return json.dumps({"hooksNotCleanedUp": []})


OPERATIONS = (delete_application, delete_deployment_group)
