"""Builds."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_codebuild as codebuild
from constructs import Construct

from stacks.acceptance import accept
from stacks.secure.bucket import Bucket
from stacks.secure.key import Key
from stacks.secure.log_group import LogGroup
from stacks.secure.names import logical_id, placed, ref, sub
from stacks.secure.network import Network
from stacks.secure.role import Role

# Its Pythons have boto3; the network has no way to install anything else.
# Source: al/x86_64/standard/5.0/Dockerfile of github.com/aws/aws-codebuild-docker-images
IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"


class PipelineBuild(codebuild.CfnProject):
    """A build for one stage of a pipeline, in the lab's VPC, with its own role and its own encrypted log group.

    It is not privileged, builds nothing in parallel, and reaches AWS through the VPC's endpoints only.

    Args:
        buildspec: path of the build specification in the pipeline's source.
        artifacts: the pipeline's bucket, from which it gets its source.
        network: where it runs.
        key: encrypts what it logs and what it hands on.
        environment: variables; never secrets.
        minutes: after which it is stopped.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        buildspec: str,
        artifacts: Bucket,
        network: Network,
        key: Key,
        environment: Mapping[str, str],
        minutes: int = 60,
    ) -> None:
        parts = Construct(scope, f"{id}Parts")
        placed(parts, scope, f"{id}Parts")
        logs = LogGroup(parts, "Logs", key=key)
        role = Role(parts, "Role", service="codebuild")
        role.can_log(logs)
        role.can_read(artifacts)
        role.can_write(artifacts)
        join_as_build(role, network)
        kind = codebuild.CfnProject
        super().__init__(
            scope,
            id,
            service_role=role.arn_,
            encryption_key=key.arn,
            source=kind.SourceProperty(type="CODEPIPELINE", build_spec=buildspec),
            artifacts=kind.ArtifactsProperty(type="CODEPIPELINE"),
            environment=kind.EnvironmentProperty(
                type="LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_SMALL",
                image=IMAGE,
                image_pull_credentials_type="CODEBUILD",
                privileged_mode=False,
                environment_variables=[
                    kind.EnvironmentVariableProperty(name=name, value=value, type="PLAINTEXT")
                    for name, value in environment.items()
                ],
            ),
            logs_config=kind.LogsConfigProperty(
                cloud_watch_logs=kind.CloudWatchLogsConfigProperty(status="ENABLED", group_name=ref(logs))
            ),
            vpc_config=kind.VpcConfigProperty(
                vpc_id=network.vpc_id, subnets=network.subnet_ids, security_group_ids=[network.workload_group_id]
            ),
            timeout_in_minutes=minutes,
            queued_timeout_in_minutes=480,
        )
        placed(self, scope, id)
        self.role_ = role
        self.logs = logs
        self.sub_arn = f"${{{logical_id(self)}.Arn}}"
        # CodeBuild looks at the VPC with the role while it creates the project.
        role.ready(self)
        network.ready_for(self)
        artifacts.stopped_before_emptied(self)
        accept(
            self,
            "CodeBuildProjectSourceRepoUrl",
            because="the rule asks for OAuth to a repository; this project has none and gets its source from the "
            "pipeline's encrypted bucket",
            kind="false-positive",
        )


def join_as_build(role: Role, network: Network) -> None:
    """Let CodeBuild attach builds to the network on the role's behalf.

    Source: https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html
    """
    role.can_join(network, as_service="codebuild")
    arn = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}"
    role.allow(
        "ec2:CreateNetworkInterfacePermission",
        on=sub(f"{arn}:network-interface/*"),
        because="AWS chooses the ids of the network interfaces; limited to CodeBuild and to the lab's own subnets",
        condition={
            "StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"},
            "ArnEquals": {
                "ec2:Subnet": [{"Fn::Join": ["", [sub(f"{arn}:subnet/"), subnet]]} for subnet in network.subnet_ids]
            },
        },
        policy="JoinsNetwork",
    )
