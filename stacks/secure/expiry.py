"""A stack that removes itself."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.secure.names import placed, sub, sub_text
from stacks.secure.role import Role

PARAMETER = "DeleteAt"
CONDITION = "Expires"


class Expiry(Construct):
    """A one-time schedule that deletes the stack at the moment given at deployment; without one, nothing.

    The moment is a parameter, so that the template stays the same on every day. CloudFormation deletes with the role
    that the stack was deployed with.

    Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        cdk.CfnParameter(
            scope,
            PARAMETER,
            default="",
            allowed_pattern=r"^$|^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$",
            description="UTC time at which the stack deletes itself, such as 2027-01-31T18:00:00; empty: never",
        )
        cdk.CfnCondition(
            scope,
            CONDITION,
            expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(cdk.Token.as_string({"Ref": PARAMETER}), "")),
        )
        role = Role(self, "Role", service="scheduler")
        role.allow("cloudformation:DeleteStack", on=sub("${AWS::StackId}"))
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            schedule_expression=sub_text(f"at(${{{PARAMETER}}})"),
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=sub_text("arn:${AWS::Partition}:scheduler:::aws-sdk:cloudformation:deleteStack"),
                role_arn=role.arn_,
                input=sub_text('{"StackName": "${AWS::StackId}"}'),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=86400, maximum_retry_attempts=20
                ),
            ),
        )
        placed(schedule, self, "Schedule")
        role.ready(schedule)
        role.under(CONDITION)
        schedule.add_override("Condition", CONDITION)
