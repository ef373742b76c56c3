"""Accepted and refused traffic of a VPC is logged."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    logs = [
        log
        for log in template.of("AWS::EC2::FlowLog")
        if any(template.target(value) is resource for _, value in log.each("ResourceId"))
    ]
    if not logs:
        yield Problem("FlowLog", None, "no flow log records the VPC's traffic")
    elif not any(log.one("TrafficType") == "ALL" for log in logs):
        yield Problem("FlowLog.TrafficType", logs[0].one("TrafficType"), "only a part of the traffic is recorded")


RULE = Rule(
    id="vpc-flow-logged",
    title="A VPC logs accepted and rejected traffic",
    why="Flow logs show who tried to reach what, and prove that nothing left.",
    fix="Add an AWS::EC2::FlowLog for the VPC with TrafficType ALL.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html",
    controls=("FSBP EC2.6", "NIST AU-2", "NIST AU-3", "NIST AU-12", "NIST CA-7"),
    types=("AWS::EC2::VPC",),
    check=check,
    same_as=("VPCFlowLogsEnabled",),
)
