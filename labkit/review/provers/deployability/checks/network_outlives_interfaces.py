"""A network goes only after the interfaces in it, and what removes the interfaces may do so until then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.handed import handed
from labkit.review.provers.deployability.kit.tables import table
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_REMOVE = "ec2:DeleteNetworkInterface"
_SAGEMAKER = "sagemaker.amazonaws.com"
_TRUST = "AssumeRolePolicyDocument"
# Resources whose interfaces AWS removes with the role of the resource, long after the resource itself is gone.
_SLOW = {
    "AWS::Lambda::Function": ("Role", "VpcConfig.SubnetIds", "VpcConfig.SecurityGroupIds"),
    "AWS::SageMaker::Model": ("ExecutionRoleArn", "VpcConfig.Subnets", "VpcConfig.SecurityGroupIds"),
    "AWS::CodeBuild::Project": ("ServiceRole", "VpcConfig.Subnets", "VpcConfig.SecurityGroupIds"),
    "AWS::KinesisAnalyticsV2::Application": (
        "ServiceExecutionRole", "ApplicationConfiguration.VpcConfigurations.*.SubnetIds",
        "ApplicationConfiguration.VpcConfigurations.*.SecurityGroupIds"),
}  # fmt: skip
# They take their interfaces away while they are deleted.
_QUICK = ("AWS::SageMaker::Domain", "AWS::SageMaker::NotebookInstance", "AWS::SageMaker::UserProfile")
_GROUP = "AWS::EC2::SecurityGroup"


def look(resource: Resource, view: View) -> Iterable[Fault]:
    if resource.type in _SLOW:
        yield from _role_stays(resource, view)
    if resource.type == _GROUP:
        yield from _hosts_stay(resource, view)
    for row in table("workloads")["workload"]:
        if resource.type in (row.get("types") or [row["type"]]):
            yield from _literal(resource, row["subnets"], view)
    if resource.type == "AWS::EC2::VPCEndpoint":
        yield from _literal(resource, "SubnetIds", view)
    if resource.whole.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate"):
        subnets = [
            one
            for name in view.graph.named[resource.logical_id]
            if (one := view.template.resources.get(name)) is not None and one.type == "AWS::EC2::Subnet"
        ]
        going = [one for one in subnets if one.whole.get("DeletionPolicy") not in ("Retain", "RetainExceptOnCreate")]
        if going:
            yield Fault("DeletionPolicy", resource.whole["DeletionPolicy"],
                        f"the resource stays with its interfaces in {going[0].logical_id}, which is to be deleted",
                        error=_SUBNET, fix="Delete it with the stack, or keep the network too.")  # fmt: skip


_SUBNET = "The subnet 'subnet-...' has dependencies and cannot be deleted."


def _role_stays(resource: Resource, view: View) -> Iterator[Fault]:
    role_at, _, groups_at = _SLOW[resource.type]
    role = view.roles.of(resource.one(role_at))
    groups = view.groups.of(view.items(resource, groups_at))
    if role is None or not groups:
        return
    carriers = [one for one in _removing(role, view) if one is not role] or [role]
    for group in groups:
        if not any(view.graph.precedes(one, group) for one in carriers):
            yield Fault(
                groups_at,
                group.logical_id,
                f"AWS removes the interfaces of {resource.logical_id} up to an hour after it, with {role.logical_id}; "
                f"CloudFormation may remove {carriers[0].logical_id} before {group.logical_id}, and the interfaces stay",
                fix=f"Add DependsOn {carriers[0].logical_id} to {group.logical_id}.",
            )


def _removing(role: Resource, view: View) -> list[Resource]:
    """The policies by which a role may remove interfaces, and the role itself if it says so."""
    return [
        held.carrier
        for held in view.roles.held(role)
        if any(one.allows and one.covers(_REMOVE) for one in held.statements)
    ]


def _hosts_stay(group: Resource, view: View) -> Iterator[Fault]:
    """Jobs and hosts of SageMaker that something starts with a role and a group, here or in a stack of its own."""
    told: dict[str, dict[str, str]] = view.once("roles told together with groups", lambda: _together(view))
    for name, by in told.get(group.logical_id, {}).items():
        role = view.template.resources[name]
        carriers = _removing(role, view)
        if carriers and not any(view.graph.precedes(one, group) for one in carriers):
            first = carriers[0].logical_id
            circular = view.graph.precedes(group, carriers[0])
            yield Fault(
                "DependsOn",
                first,
                f"{by} gives {name} and {group.logical_id} to jobs or hosts, whose interfaces SageMaker removes with that "
                f"role after they ended; CloudFormation may remove {first} before {group.logical_id}",
                fix=f"Take {group.logical_id} out of {first}, and let it depend on {first}."
                if circular
                else f"Add DependsOn {first} to {group.logical_id}.",
            )


def _together(view: View) -> dict[str, dict[str, str]]:
    """Security groups with the roles of SageMaker that stand beside them in a setting, and where they do."""
    groups = {one.logical_id for one in view.of(_GROUP)}
    roles = {one.logical_id for one in view.of("AWS::IAM::Role") if _SAGEMAKER in str(one.properties.get(_TRUST))}
    found: dict[str, dict[str, str]] = {}
    for resource in view.template.resources.values() if groups and roles else ():
        named = resource.references
        if resource.type in _QUICK or not (named & groups and named & roles):
            continue
        for entry in handed(resource.properties):
            for group in sorted(entry.names & groups):
                for role in sorted(entry.names & roles):
                    found.setdefault(group, {}).setdefault(role, resource.logical_id)
    return found


def _literal(resource: Resource, path: str, view: View) -> Iterator[Fault]:
    made = view.template.by_type.get("AWS::EC2::Subnet")
    for value in view.items(resource, path) if made else ():
        if isinstance(value, str) and value.startswith("subnet-"):
            what = "the subnet is named and not referred to, so nothing keeps it until the interfaces in it are gone"
            yield Fault(path, value, what, error=_SUBNET, fix="Refer to the subnet with Ref.", undecided=True)


CHECK = Check(
    id="deploy-network-outlives-interfaces",
    title="A security group or subnet goes only after the interfaces in it",
    phase="delete",
    why="Interfaces of functions, models and endpoints go later than the resource, and only while the role that may "
    "remove them is there.",
    fix="Let the security group depend on the policy that allows ec2:DeleteNetworkInterface.",
    error="resource sg-... has a dependent object (DependencyViolation)",
    sources=(
        "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
        "https://github.com/aws/aws-cdk/issues/6701",
        "https://github.com/go-to-k/cdkd/pull/38",
        "https://github.com/aws-samples/aws-genai-llm-chatbot/issues/350",
        "https://github.com/aws/aws-cdk/issues/14456",
    ),
    covers=("DF-123", "DF-125"),
    types=("*",),
    look=look,
)
