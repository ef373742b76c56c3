"""Who approves does not deploy, who deploys does not approve, and nothing else does either."""

from __future__ import annotations

from stacks.secure.role import Role

APPROVING = ("codepipeline:PutApprovalResult", "sagemaker:UpdateModelPackage")
DEPLOYING = (
    "sagemaker:CreateEndpoint",
    "sagemaker:DeleteEndpoint",
    "sagemaker:UpdateEndpoint",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
)


def releases_nothing(*roles: Role) -> None:
    """Deny roles to approve and to deploy, whatever their policies come to allow."""
    for role in roles:
        role.may_never(*APPROVING, *DEPLOYING)
