"""Model registries."""

from __future__ import annotations

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.secure.housekeeping import Housekeeping
from stacks.secure.key import Key
from stacks.secure.names import placed, stack_of, sub
from stacks.secure.role import Role


class GuardedModelGroup(sagemaker.CfnModelPackageGroup):
    """A group of model versions that one role alone may approve, whatever other policies of the account allow.

    The group's policy denies the approval to everybody else, administrators included; they can still delete the group.

    Args:
        text: what its models are for.
        approver: the role that approves.
        key: the lab's key.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy-xaccount.html
    """

    def __init__(self, scope: Construct, id: str, *, text: str, approver: Role, key: Key) -> None:
        name = stack_of(scope).name.lower()  # SageMaker writes names in ARNs in lower case
        arn = "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}"
        self.packages = f"{arn}:model-package/{name}/*"
        self.group = f"{arn}:model-package-group/{name}"
        approver.allow(
            "sagemaker:DescribeModelPackage",
            "sagemaker:UpdateModelPackage",
            on=sub(self.packages),
            because="the versions of a group are numbered as they come; limited to the lab's one group",
        )
        super().__init__(
            scope,
            id,
            model_package_group_name=name,
            model_package_group_description=text,
            model_package_group_policy={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "OnlyTheReleaseRoleApproves",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "sagemaker:UpdateModelPackage",
                        "Resource": sub(self.packages),
                        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": approver.arn_}},
                    }
                ],
            },
        )
        placed(self, scope, id)
        self.name_ = name
        approver.ready(self)
        self.emptied = Housekeeping.of(self, key=key).remove_packages_on_delete(self, name=name)
