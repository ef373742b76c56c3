"""No security group lets the whole world in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

_EVERYWHERE = {"CidrIp": "0.0.0.0/0", "CidrIpv6": "::/0"}


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    inline = resource.type == "AWS::EC2::SecurityGroup"
    for name, everywhere in _EVERYWHERE.items():
        for path, value in resource.each(f"SecurityGroupIngress.*.{name}" if inline else name):
            if _is(value, everywhere):
                yield Problem(path, value, "callers from everywhere are let in")


def _is(value: Any, everywhere: str) -> bool:
    return isinstance(value, str) and value.strip() == everywhere


RULE = Rule(
    id="security-group-ingress-narrow",
    title="A security group lets no caller in by 0.0.0.0/0 or ::/0",
    why="A later route or peering must not open a port to everybody.",
    fix="Name the security group, the prefix list or the CIDR that may call.",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-18",
    controls=("FSBP EC2.18", "FSBP EC2.19", "NIST AC-4", "NIST SC-7", "NIST SC-7(5)"),
    types=("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"),
    check=check,
    same_as=("EC2RestrictedSSH",),
)
