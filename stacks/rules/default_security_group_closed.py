"""The security group that every VPC comes with allows nothing."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import references

# Custom resources that revoke the group's rules; CloudFormation itself has no way to.
_CLOSERS = ("Custom::ClosedDefaultSecurityGroup", "Custom::VpcRestrictDefaultSG")


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if not any(resource.logical_id in references(closer.properties) for closer in template.of(*_CLOSERS)):
        yield Problem("DefaultSecurityGroup", None, "nothing takes the rules out of the VPC's default security group")


RULE = Rule(
    id="default-security-group-closed",
    title="The default security group of a VPC is emptied",
    why="What is launched without a group gets the default one, which lets its members talk to each other and out.",
    fix="Let a custom resource revoke the rules of the VPC's default security group.",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-2",
    controls=("FSBP EC2.2", "NIST AC-4", "NIST AC-4(21)", "NIST SC-7", "NIST SC-7(5)"),
    types=("AWS::EC2::VPC",),
    check=check,
    same_as=("VPCDefaultSecurityGroupClosed",),
)
