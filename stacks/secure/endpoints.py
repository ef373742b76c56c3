"""VPC endpoints: which services there are, and what may pass through each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stacks.secure.names import sub

# Only principals of this account pass, whatever the resource's own policy says.
_THIS_ACCOUNT = {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}


@dataclass(frozen=True, kw_only=True)
class ServiceEndpoint:
    """An interface endpoint for one AWS service, open for the actions that the labs use.

    Args:
        id: construct id.
        name: service name after ``com.amazonaws.<region>.``.
        actions: what may pass.
        resources: on what, with ``${...}`` references.
        china_prefix: whether the name starts with ``cn.`` in the aws-cn partition.
    """

    id: str
    name: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    china_prefix: bool = False

    def service_name(self, region: str) -> str:
        """The endpoint's service name in a region."""
        prefix = "cn.com.amazonaws" if self.china_prefix and region.startswith("cn-") else "com.amazonaws"
        return f"{prefix}.{region}.{self.name}"

    def policy(self) -> dict[str, Any]:
        """The endpoint's policy."""
        resources = [sub(resource) if "${" in resource else resource for resource in self.resources]
        return _document(list(self.actions), resources, _THIS_ACCOUNT)


_HERE = "${AWS::Region}:${AWS::AccountId}"

SAGEMAKER_RUNTIME = ServiceEndpoint(
    id="SageMakerRuntime",
    name="sagemaker.runtime",
    actions=("sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointAsync", "sagemaker:InvokeEndpointWithResponseStream"),
    resources=(f"arn:${{AWS::Partition}}:sagemaker:{_HERE}:endpoint/*",),
    china_prefix=True,
)
LOGS = ServiceEndpoint(
    id="Logs",
    name="logs",
    actions=("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
    resources=(f"arn:${{AWS::Partition}}:logs:{_HERE}:log-group:*",),
)
METRICS = ServiceEndpoint(id="Metrics", name="monitoring", actions=("cloudwatch:PutMetricData",), china_prefix=True)
IMAGE_REGISTRY = ServiceEndpoint(
    id="ImageRegistry",
    name="ecr.api",
    # Framework images belong to AWS accounts, so repositories are not limited to this account; reading only.
    actions=("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken",
             "ecr:GetDownloadUrlForLayer"),
    china_prefix=True,
)  # fmt: skip
IMAGE_LAYERS = ServiceEndpoint(id="ImageLayers", name="ecr.dkr", actions=IMAGE_REGISTRY.actions, china_prefix=True)

# What a hosted model and its caller need: images, logs, metrics, predictions. S3 is always there.
HOSTING_ENDPOINTS = (SAGEMAKER_RUNTIME, LOGS, METRICS, IMAGE_REGISTRY, IMAGE_LAYERS)


def s3_policy(buckets: Sequence[str]) -> dict[str, Any]:
    """The policy of the S3 gateway endpoint: this stack's buckets for this account, and ECR's image layers.

    Source of the layer bucket: https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    """
    statements = [
        _statement(
            ["s3:GetObject"], [sub("arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*")], None
        )
    ]
    if buckets:
        statements.append(
            _statement(
                ["s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject"],
                [sub(text) for arn in buckets for text in (arn, f"{arn}/*")],
                _THIS_ACCOUNT,
            )
        )
    return {"Version": "2012-10-17", "Statement": statements}


def _document(actions: list[str], resources: list[Any], condition: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [_statement(actions, resources, condition)]}


def _statement(actions: list[str], resources: list[Any], condition: dict[str, Any] | None) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": actions,
        "Resource": resources if len(resources) > 1 else resources[0],
    }
    return {**statement, "Condition": condition} if condition else statement
