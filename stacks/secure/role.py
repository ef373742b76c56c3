"""Roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.acceptance import accept
from stacks.secure.key import Key
from stacks.secure.names import ASSETS_ARN, att, flat, path_of, placed, ref, stack_of, sub

if TYPE_CHECKING:
    from stacks.secure.bucket import Bucket
    from stacks.secure.log_group import LogGroup
    from stacks.secure.network import Network

Resource = str | dict[str, str]

# EC2 has no resource-level permission for its Describe actions; Lambda and SageMaker ask for "*" there.
# Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
_ONLY_DESCRIBES = (
    "EC2 has no resource-level permission for Describe actions, and they return no data, only network configuration"
)

# Actions to describe and to change, by service.
_JOINING = {
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    "lambda": (
        ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
        ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
         "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"],
    ),
    # https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    "sagemaker": (
        ["ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups",
         "ec2:DescribeSubnets", "ec2:DescribeVpcs"],
        ["ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission",
         "ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission"],
    ),
    # https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html
    "codebuild": (
        ["ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups",
         "ec2:DescribeSubnets", "ec2:DescribeVpcs"],
        ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"],
    ),
}  # fmt: skip


class Role(iam.CfnRole):
    """A role for one AWS service in this account, with no permission until a verb gives one.

    Permissions are explicit actions in customer-managed policies. ``ready(resource)`` makes CloudFormation attach
    them before it creates a resource that uses the role at once.

    Args:
        service: service principal without suffix, such as ``sagemaker``.
    """

    _condition = ""

    def __init__(self, scope: Construct, id: str, *, service: str) -> None:
        super().__init__(
            scope,
            id,
            assume_role_policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": f"{service}.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                        # Another account's resource cannot make the service use this role.
                        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                    }
                ],
            },
        )
        placed(self, scope, id)
        self.arn_ = att(self, "Arn")
        self._statements: dict[str, list[dict[str, Any]]] = {}
        self._wildcards: dict[str, dict[str, list[str]]] = {}
        self._policies: dict[str, iam.CfnManagedPolicy] = {}
        stack_of(self).at_the_end(self._create_policies)

    def ready(self, *resources: cdk.CfnResource) -> None:
        """Let CloudFormation create these only after the role has its permissions, and delete them before."""
        for resource in resources:
            stack_of(self).order(resource, after=lambda: list(self._policies.values()))

    def under(self, condition: str) -> None:
        """Create the role and its policies only under a condition of the template."""
        self._condition = condition
        self.add_override("Condition", condition)

    def allow(
        self,
        *actions: str,
        on: Resource | Sequence[Resource],
        because: str | None = None,
        condition: dict[str, Any] | None = None,
        policy: str = "Policy",
    ) -> None:
        """Permit explicit actions on explicit resources.

        Args:
            actions: full names; no wildcard.
            on: ARNs, or ``sub(...)`` texts.
            because: why a ``*`` in a resource is safe; required when there is one.
            condition: IAM condition block.
            policy: construct id of the policy that holds the statement.

        Raises:
            ValueError: an action has a wildcard, or a resource has one without a reason.
        """
        wild = [action for action in actions if "*" in action]
        if wild:
            raise ValueError(f"{path_of(self)}: actions are written out, got {', '.join(wild)}")
        resources = [on] if isinstance(on, (str, dict)) else list(on)
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Action": sorted(actions),
            "Resource": resources if len(resources) > 1 else resources[0],
        }
        if condition:
            statement["Condition"] = condition
        statements = self._statements.setdefault(policy, [])
        if statement in statements:
            return
        statements.append(statement)
        for name in (flat(resource) for resource in resources):
            if "*" not in name:
                continue
            if because is None:
                raise ValueError(f"{path_of(self)}: say because=... for the wildcard in {name}")
            reasons = self._wildcards.setdefault(policy, {}).setdefault(name, [])
            if because not in reasons:
                reasons.append(because)

    def may_never(self, *actions: str) -> None:
        """Deny actions on everything, whatever another policy of the role allows."""
        refused = {"Effect": "Deny", "Action": sorted(actions), "Resource": "*"}
        statements = self._statements.setdefault("Policy", [])
        if refused not in statements:
            statements.append(refused)

    def can_read(self, bucket: Bucket, prefix: str = "") -> None:
        """Read and list the objects under a prefix of a bucket, and decrypt them."""
        self._objects(bucket, prefix, "s3:GetObject", "s3:GetObjectVersion")
        self.allow(
            "s3:ListBucket",
            on=sub(bucket.sub_arn),
            condition={"StringLike": {"s3:prefix": [f"{prefix}*"]}} if prefix else None,
        )
        self.can_decrypt(bucket.key)

    def can_write(self, bucket: Bucket, prefix: str = "") -> None:
        """Write objects under a prefix of a bucket, encrypted with its key."""
        self._objects(bucket, prefix, "s3:PutObject", "s3:AbortMultipartUpload")
        self.can_encrypt(bucket.key)

    def can_pull(self, image: str) -> None:
        """Pull one image of an ECR registry, such as ``683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0``."""
        account, repository = image.split(".")[0], image.split("/")[1].split(":")[0]
        self.allow(
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
            on=sub(f"arn:${{AWS::Partition}}:ecr:${{AWS::Region}}:{account}:repository/{repository}"),
        )
        self.allow(
            "ecr:GetAuthorizationToken",
            on="*",
            because="ECR has no resource-level permission for GetAuthorizationToken; a token alone opens no repository",
        )

    def can_list_assets(self, *keys: str) -> None:
        """List files of the bootstrap bucket by their keys, which SageMaker does with an input before it downloads it."""
        self.allow("s3:ListBucket", on=sub(ASSETS_ARN), condition={"StringEquals": {"s3:prefix": list(keys)}})

    def can_read_assets(self, *keys: str) -> None:
        """Read files of the bootstrap bucket by their keys, also where the account's bootstrap encrypts with a key of its own."""
        self.allow("s3:GetObject", on=[sub(f"{ASSETS_ARN}/{key}") for key in keys])
        self.allow(
            "kms:Decrypt",
            on=sub("arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"),
            because="the id of the bootstrap's key is not known; limited by its alias, and to what S3 decrypts with it",
            condition={
                "StringEquals": {"kms:ViaService": sub("s3.${AWS::Region}.${AWS::URLSuffix}")},
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/cdk-hnb659fds-assets-key"},
            },
        )

    def can_decrypt(self, key: Key) -> None:
        self.allow("kms:Decrypt", "kms:DescribeKey", on=sub(key.sub_arn))

    def can_encrypt(self, key: Key) -> None:
        self.allow("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", on=sub(key.sub_arn))

    def can_attach_volumes(self, key: Key) -> None:
        """Let AWS services attach volumes encrypted with a key, on the role's behalf only."""
        # Source: https://docs.aws.amazon.com/sagemaker/latest/dg/encryption-at-rest.html
        self.allow("kms:CreateGrant", on=sub(key.sub_arn), condition={"Bool": {"kms:GrantIsForAWSResource": "true"}})

    def can_log(self, group: LogGroup) -> None:
        """Write log streams of one log group."""
        self.allow(
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            on=sub(group.sub_arn),  # the Arn attribute of a log group ends in :*
        )

    def can_join(self, network: Network, *, as_service: str) -> None:
        """Create and remove the network interfaces of this account by which a service joins a VPC.

        The permission outlives the network's security group: the service removes its interfaces with this role,
        minutes after the function or endpoint is gone, and the group cannot be deleted before.

        Args:
            network: the lab's network.
            as_service: ``lambda``, ``sagemaker`` or ``codebuild``.
        """
        describe, change = _JOINING[as_service]
        self.allow(*describe, on="*", because=_ONLY_DESCRIBES, policy="JoinsNetwork")
        self.allow(
            *change,
            on=sub("arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:*/*"),
            because="AWS chooses the ids of the network interfaces it creates; limited to this account and region, "
            "as the service's documentation asks",
            policy="JoinsNetwork",
        )
        stack_of(self).order(network.workload_group, after=lambda: [self._policies["JoinsNetwork"]])

    def can_put_metrics(self, namespace: str) -> None:
        """Publish metrics in one namespace."""
        self.allow(
            "cloudwatch:PutMetricData",
            on="*",
            because="CloudWatch has no resource-level permission for PutMetricData; the namespace condition limits it",
            condition={"StringEquals": {"cloudwatch:namespace": namespace}},
        )

    def _create_policies(self) -> None:
        for name, statements in self._statements.items():
            policy = self._policies[name] = iam.CfnManagedPolicy(
                self,
                name,
                policy_document={"Version": "2012-10-17", "Statement": statements},
                roles=[ref(self)],
            )
            placed(policy, self, name)
            if self._condition:
                policy.add_override("Condition", self._condition)
            for resource, reasons in self._wildcards.get(name, {}).items():
                accept(policy, f"AwsSolutions-IAM5[Resource::{resource}]", because=". Also: ".join(reasons))

    def _objects(self, bucket: Bucket, prefix: str, *actions: str) -> None:
        self.allow(
            *actions,
            on=sub(f"{bucket.sub_arn}/{prefix}*"),
            because="object keys are not known in advance; limited to one prefix of one bucket of this stack",
        )
