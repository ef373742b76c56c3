"""CodeDeploy: applications and deployment groups."""

from __future__ import annotations

from labkit.rehearsal.types.row import Scene
from labkit.rehearsal.types.table import by, simple


def _key(scene: Scene) -> dict[str, str]:
    return {"applicationName": scene.properties["ApplicationName"], "deploymentGroupName": scene.physical_id}


ROWS = [
    simple(
        "AWS::CodeDeploy::Application",
        "codedeploy",
        create="CreateApplication",
        name="ApplicationName",
        read=("GetApplication", by("applicationName")),
        within="application",
        delete=("DeleteApplication", by("applicationName")),
    ),
    simple(
        "AWS::CodeDeploy::DeploymentGroup",
        "codedeploy",
        create="CreateDeploymentGroup",
        name="DeploymentGroupName",
        read=("GetDeploymentGroup", _key),
        within="deploymentGroupInfo",
        delete=("DeleteDeploymentGroup", _key),
    ),
]
