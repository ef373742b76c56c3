"""What a service makes on its own and does not remove is removed before the network it stands in."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

# Type: where its subnets or VPC are named, what stays behind.
_LEAVES = {
    "AWS::SageMaker::Domain": ("SubnetIds", "a home file system (EFS) with mount targets and two security groups"),
    "AWS::EMR::Cluster": ("Instances.Ec2SubnetId", "two security groups that refer to each other"),
    "AWS::EMR::Studio": ("SubnetIds", "interfaces of running workspaces"),
    "AWS::DirectoryService::MicrosoftAD": ("VpcSettings.SubnetIds", "a security group for its controllers"),
    "AWS::WorkSpaces::Workspace": ("SubnetIds", "interfaces of its directory"),
}
# Settings that leave nothing behind.
_GROUPS = ("Instances.EmrManagedMasterSecurityGroup", "Instances.EmrManagedSlaveSecurityGroup")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    path, leaves = _LEAVES[resource.type]
    subnets = view.network.subnets(view.items(resource, path))
    if not subnets:
        return
    if resource.type == "AWS::EMR::Cluster" and all(view.given(resource, one) for one in _GROUPS):
        return
    hooks = [
        view.template.resources[name]
        for subnet in subnets
        for name in view.graph.users(subnet)
        if _custom(view.template.resources[name])
    ]
    vpcs = {name for subnet in subnets if (name := view.network.vpc_of(subnet))}
    for vpc in vpcs & set(view.template.resources):
        users = view.graph.users(view.template.resources[vpc])
        hooks += [view.template.resources[name] for name in users if _custom(view.template.resources[name])]
    # On deletion the hook must run after the resource is gone and before the subnets are.
    if not any(view.graph.precedes(hook, resource) for hook in hooks if _cleans(hook, view)):
        yield Fault(path, [one.logical_id for one in subnets], f"deletion leaves {leaves} in these subnets")


def _custom(resource: Resource) -> bool:
    return resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource"


def _cleans(hook: Resource, view: View) -> bool:
    function = view.policies.function(hook.properties.get("ServiceToken"))
    role = view.roles.of(function.properties.get("Role")) if function is not None else None
    actions = ("elasticfilesystem:DeleteFileSystem", "elasticfilesystem:DeleteMountTarget", "ec2:DeleteSecurityGroup",
               "ec2:DeleteNetworkInterface")  # fmt: skip
    return function is None or role is None or any(view.roles.may(role, action) != "no" for action in actions)


CHECK = Check(
    id="deploy-service-storage-removed",
    title="What a service makes on its own is removed before the network it stands in",
    phase="delete",
    why="Deleting a Studio domain keeps its home file system; its mount targets hold the subnets.",
    fix="Add a custom resource that the resource depends on and that removes the rest on deletion (for a domain: the "
    "file system and its security groups), or keep the network in another stack.",
    error="The subnet 'subnet-...' has dependencies and cannot be deleted.",
    sources=(
        "https://docs.aws.amazon.com/sagemaker/latest/dg/gs-studio-delete-domain.html",
        "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1085",
        "https://github.com/hashicorp/terraform-provider-aws/issues/20986",
    ),
    covers=("DF-061",),
    types=tuple(_LEAVES),
    look=look,
)
