"""What EC2 rows share: tags, and the refusal to delete what something else still uses."""

from __future__ import annotations

from labkit.rehearsal.stacks.faults import ResourceFailed
from labkit.rehearsal.types.row import Scene


def tag(scene: Scene) -> None:
    """Give an EC2 resource the template's tags and CloudFormation's own."""
    given = scene.take("Tags").get("Tags", [])
    gone = [item["Key"] for item in scene.old.get("Tags", []) if item["Key"] not in {item["Key"] for item in given}]
    if gone:
        scene.call("ec2", "DeleteTags", {"Resources": [scene.physical_id], "Tags": [{"Key": key} for key in gone]})
    own = [
        {"Key": "aws:cloudformation:stack-name", "Value": scene.stack},
        {"Key": "aws:cloudformation:stack-id", "Value": scene.stack_id},
        {"Key": "aws:cloudformation:logical-id", "Value": scene.logical_id},
    ]
    # EC2 refuses tags that begin with aws: from anybody but CloudFormation; moto takes them from a request of ours.
    scene.call("ec2", "CreateTags", {"Resources": [scene.physical_id], "Tags": [*given, *own]})


def refuse_if_used(scene: Scene, kind: str, identifier: str, *, but_default: bool = False) -> None:
    """Refuse, as EC2 does and moto does not, to delete what a network interface or a security group still uses.

    Args:
        kind: ``vpc``, ``subnet`` or ``group``, as filters of EC2 name them.
        but_default: a VPC ends with its default security group, so look at the other groups.
    """
    users = [
        interface["NetworkInterfaceId"]
        for interface in scene.call(
            "ec2", "DescribeNetworkInterfaces", {"Filters": [{"Name": f"{kind}-id", "Values": [identifier]}]}
        )["NetworkInterfaces"]
    ]
    if but_default:
        groups = scene.call("ec2", "DescribeSecurityGroups", {"Filters": [{"Name": "vpc-id", "Values": [identifier]}]})[
            "SecurityGroups"
        ]
        users += [group["GroupId"] for group in groups if group["GroupName"] != "default"]
        endpoints = scene.call(
            "ec2", "DescribeVpcEndpoints", {"Filters": [{"Name": "vpc-id", "Values": [identifier]}]}
        )["VpcEndpoints"]
        users += [one["VpcEndpointId"] for one in endpoints if str(one["State"]).lower() not in ("deleted", "deleting")]
    if users:
        raise ResourceFailed(
            f"The {kind} '{identifier}' has dependencies and cannot be deleted ({', '.join(users)}) "
            "(HandlerErrorCode: DependencyViolation)"
        )
