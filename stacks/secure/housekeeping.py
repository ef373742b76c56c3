"""What CloudFormation cannot do by itself: empty buckets and stop jobs before deletion, close default groups."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.acceptance import accept
from stacks.secure.function import Function
from stacks.secure.key import Key
from stacks.secure.names import att, logical_id, placed, ref, stack_of, sub

_CODE = Path(__file__).parent / "housekeeping_code"
_NAME = "Housekeeping"


class Housekeeping(Function):
    """One function per stack that deletes what lies in its buckets, and what its pipelines deployed, when the stack goes."""

    def __init__(self, scope: Construct, id: str, *, key: Key) -> None:
        super().__init__(scope, id, code=_CODE, handler="handler.handler", key=key, timeout=900, memory=256)
        accept(
            self,
            "LambdaInsideVPC",
            "isolated-workload-placed",
            because="inside the VPC its own network interface would keep the VPC from being deleted; it answers "
            "CloudFormation only and holds permissions on what this stack and its pipelines made, by name",
        )

    @classmethod
    def of(cls, scope: Construct, *, key: Key) -> Housekeeping:
        """The stack's housekeeping function, made when first needed."""
        stack = cast(cdk.Stack, stack_of(scope))
        found = stack.__dict__.get(_NAME)
        if not isinstance(found, cls):
            found = stack.__dict__[_NAME] = cls(stack, _NAME, key=key)
        return found

    def empty_on_delete(self, bucket: s3.CfnBucket, *, after: cdk.CfnResource) -> cdk.CfnResource:
        """Delete all versions in a bucket before CloudFormation deletes the bucket.

        Args:
            bucket: the bucket to empty.
            after: the bucket's policy, which stands while the bucket is emptied.

        Returns:
            The custom resource; whatever writes into the bucket depends on it, to be deleted first.
        """
        name = logical_id(bucket)
        self.role_.allow("s3:ListBucketVersions", on=sub(f"${{{name}.Arn}}"))
        self.role_.allow(
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            on=sub(f"${{{name}.Arn}}/*"),
            because="emptying a bucket of this stack means deleting every object in it, whatever its key",
        )
        resource = self._hook(bucket, "Emptied", "Custom::EmptyOnDelete", "BucketName", ref(bucket))
        stack_of(self).order(resource, after=lambda: [after])
        return resource

    def remove_stack_on_delete(self, scope: Construct, id: str, *, name: str) -> cdk.CfnResource:
        """Delete a stack that something of this stack deploys later, before anything of this stack is deleted.

        CloudFormation deletes it with the role that it was deployed with.

        Args:
            name: of the other stack; it need not exist.

        Returns:
            The custom resource: what the other stack uses comes before it, what deploys the other stack after it.
        """
        self.role_.allow(
            "cloudformation:DeleteStack",
            "cloudformation:DescribeStacks",
            on=sub(f"arn:${{AWS::Partition}}:cloudformation:${{AWS::Region}}:${{AWS::AccountId}}:stack/{name}/*"),
            because="CloudFormation adds an id of its own to a stack's name; limited to one stack by name",
        )
        return self._hook(scope, id, "Custom::StackRemovedOnDelete", "StackName", name)

    def stop_jobs_on_delete(
        self, scope: Construct, *, prefix: str, kind: Literal["processing", "training"] = "processing"
    ) -> cdk.CfnResource:
        """Stop the stack's jobs before CloudFormation deletes what they use.

        Args:
            scope: what starts the jobs.
            prefix: with which the names of the jobs begin.
            kind: of the jobs.

        Returns:
            The custom resource. What starts jobs depends on it, to be deleted first; it depends on what jobs use.
        """
        self.role_.allow(
            f"sagemaker:List{kind.title()}Jobs",
            on="*",
            because="SageMaker has no resource-level permission for listing jobs; a list holds names and states",
        )
        self.role_.allow(
            f"sagemaker:Stop{kind.title()}Job",
            on=sub(f"arn:${{AWS::Partition}}:sagemaker:${{AWS::Region}}:${{AWS::AccountId}}:{kind}-job/{prefix}-*"),
            because="jobs are named when they start; limited to names that begin with the stack's own",
        )
        name = "Custom::StopTrainingOnDelete" if kind == "training" else "Custom::StopJobsOnDelete"
        return self._hook(scope, "JobsStopped", name, "JobPrefix", f"{prefix}-")

    def remove_packages_on_delete(self, group: cdk.CfnResource, *, name: str) -> cdk.CfnResource:
        """Delete the versions in a group of models, which would keep CloudFormation from deleting the group.

        Args:
            group: the group.
            name: of the group.

        Returns:
            The custom resource; whatever registers models depends on it, to be deleted first.
        """
        arn = "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}"
        self.role_.allow("sagemaker:ListModelPackages", on=sub(f"{arn}:model-package-group/{name}"))
        self.role_.allow(
            "sagemaker:DeleteModelPackage",
            on=sub(f"{arn}:model-package/{name}/*"),
            because="the versions of a group are numbered as they come; limited to one group by name",
        )
        resource = self._hook(
            group, "PackagesRemoved", "Custom::PackagesRemovedOnDelete", "ModelPackageGroupName", name
        )
        stack_of(self).order(resource, after=lambda: [group])
        return resource

    def stop_monitoring_on_delete(self, scope: Construct, id: str, *, schedule: str) -> cdk.CfnResource:
        """Stop a monitoring schedule's executions before CloudFormation deletes the schedule.

        Args:
            schedule: its name; the custom resource must depend on the schedule, to be deleted before it.

        Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteMonitoringSchedule.html
        """
        here = "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}"
        self.role_.allow(
            "sagemaker:ListMonitoringExecutions",
            on="*",
            because="SageMaker has no resource-level permission for listing executions; a list holds names and states",
        )
        self.role_.allow("sagemaker:StopMonitoringSchedule", on=sub(f"{here}:monitoring-schedule/{schedule}"))
        self.role_.allow(
            "sagemaker:StopProcessingJob",
            on=[sub(f"{here}:processing-job/{kind}-*") for kind in ("model-monitoring", "groundtruth-merge")],
            because="Model Monitor names its jobs itself, after the kind; the function stops those of its schedules only",
        )
        return self._hook(scope, id, "Custom::StopMonitoringOnDelete", "ScheduleName", schedule)

    def _hook(self, scope: Construct, id: str, kind: str, name: str, value: str) -> cdk.CfnResource:
        """A custom resource for which the function does its work when CloudFormation deletes it."""
        resource = cdk.CfnResource(
            scope,
            id,
            type=kind,
            properties={"ServiceToken": att(self, "Arn"), "ServiceTimeout": 900, name: value},
        )
        placed(resource, scope, id)
        self.role_.ready(resource)
        return resource

    def close_default_group(self, scope: Construct, vpc: ec2.CfnVPC) -> None:
        """Take all rules out of a VPC's default security group.

        The construct's name and the resource's type are those of CDK's own construct, by which cdk-nag knows it.
        """
        group = f"${{{logical_id(vpc)}.DefaultSecurityGroup}}"
        self.role_.allow(
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
            on=sub(f"arn:${{AWS::Partition}}:ec2:${{AWS::Region}}:${{AWS::AccountId}}:security-group/{group}"),
        )
        name = "RestrictDefaultSecurityGroupCustomResource"
        place = Construct(scope, name)
        placed(place, scope, name)
        resource = cdk.CfnResource(
            place,
            "Default",
            type="Custom::VpcRestrictDefaultSG",
            properties={
                "ServiceToken": att(self, "Arn"),
                "ServiceTimeout": 300,
                "VpcId": ref(vpc),
                "DefaultSecurityGroupId": att(vpc, "DefaultSecurityGroup"),
                "Account": {"Ref": "AWS::AccountId"},
            },
        )
        placed(resource, place, "Default")
        self.role_.ready(resource)
