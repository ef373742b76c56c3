"""The policies of a role stay until the resource is gone that needs the role to go."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

# Type: the property that names the role by which the service drains and removes the resource, and what happens without.
_NEEDED = {
    "AWS::Batch::ComputeEnvironment": (
        ("ServiceRole", "ComputeResources.InstanceRole", "ComputeResources.SpotIamFleetRole"),
        "(the compute environment stays in DELETING or INVALID)",
    ),
    "AWS::ECS::Service": (("Role",), "(the service stays in DRAINING; the stack's deletion times out)"),
    "AWS::EKS::Cluster": (("RoleArn",), "(the cluster's network interfaces and load balancers cannot be removed)"),
    "AWS::EKS::Nodegroup": (("NodeRole",), "DELETE_FAILED: Ec2SecurityGroupDeletionFailure / nodes cannot drain"),
    "AWS::EMR::Cluster": (("ServiceRole", "JobFlowRole"), "(the cluster stays in TERMINATING)"),
    "AWS::EMR::Studio": (("ServiceRole",), "(the studio's workspaces cannot be removed)"),
    "AWS::MWAA::Environment": (("ExecutionRoleArn",), "(the environment stays in DELETING)"),
    "AWS::SageMaker::Domain": (("DefaultUserSettings.ExecutionRole",), "(apps of the domain cannot be stopped)"),
    "AWS::Glue::DevEndpoint": (("RoleArn",), "(the development endpoint stays in TERMINATING)"),
    "AWS::KinesisAnalyticsV2::Application": (("ServiceExecutionRole",), "(the application's interfaces stay behind)"),
}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    paths, error = _NEEDED[resource.type]
    for path in paths:
        for where, value in view.listed(resource, path):
            role = view.roles.of(value)
            for policy in view.roles.separate(role) if role is not None else ():
                if not view.graph.precedes(policy, resource):
                    yield Fault(
                        where,
                        value,
                        f"CloudFormation may remove {policy.logical_id} before {resource.logical_id}, which needs "
                        f"{role.logical_id if role else path} to go",
                        error=error,
                        fix=f"Add DependsOn {policy.logical_id} to {resource.logical_id}, or attach the policy in the role.",
                    )


CHECK = Check(
    id="deploy-role-outlives-resource",
    title="The policies of a role stay until the resource is gone that needs the role to go",
    phase="delete",
    why="CloudFormation deletes in reverse order of dependencies: a policy that nothing waits for may go first.",
    fix="Let the resource depend on the policy, or attach the policy in the role.",
    error="(the resource cannot be removed and stays in DELETING)",
    sources=(
        "https://docs.aws.amazon.com/batch/latest/userguide/invalid_compute_environment.html",
        "https://github.com/ekristen/aws-nuke/issues/674",
        "https://github.com/awslabs/quantum-computing-exploration-for-drug-discovery-on-aws/issues/60",
    ),
    covers=("DF-129",),
    types=tuple(_NEEDED),
    look=look,
)
