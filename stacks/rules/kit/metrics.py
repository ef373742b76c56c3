"""Metrics that AWS publishes for the services in use, with the dimensions they have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """What one namespace holds.

    Args:
        metrics: their names; empty: any.
        dimensions: names of the dimensions.
    """

    metrics: frozenset[str]
    dimensions: frozenset[str]


def _of(metrics: str, dimensions: str) -> Published:
    return Published(frozenset(metrics.split()), frozenset(dimensions.split()))


# Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html,
# .../monitoring-cloudwatch-enhanced-metrics.html,
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html,
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
PUBLISHED = {
    "/aws/sagemaker/Endpoints": _of(
        "CPUReservation CPUUtilization CPUUtilizationNormalized DiskUtilization GPUMemoryUtilization "
        "GPUMemoryUtilizationNormalized GPUReservation GPUUtilization GPUUtilizationNormalized MemoryReservation "
        "MemoryUtilization MemoryUtilizationNormalized",
        "EndpointName VariantName InstanceId ContainerId AcceleratorId",
    ),
    # Feature stores, labeling and others publish here too: their metrics are left to them.
    "AWS/SageMaker": _of(
        "",
        "EndpointName VariantName EndpointConfigName InferenceComponentName ModelName InstanceId ContainerId "
        "AcceleratorId FeatureGroupName OperationName LabelingJobName JobName TransformJobName InferenceComponentCopyId",
    ),
    "AWS/SQS": _of(
        "ApproximateAgeOfOldestMessage ApproximateNumberOfGroupsWithInflightMessages ApproximateNumberOfMessagesDelayed "
        "ApproximateNumberOfMessagesNotVisible ApproximateNumberOfMessagesVisible NumberOfDeduplicatedSentMessages "
        "NumberOfEmptyReceives NumberOfMessagesDeleted NumberOfMessagesReceived NumberOfMessagesSent SentMessageSize "
        "ApproximateNumberOfNoisyGroups",
        "QueueName",
    ),
}
# Metrics of an endpoint in AWS/SageMaker, which have the dimension EndpointName.
OF_ENDPOINTS = frozenset(
    [
        "ConcurrentRequestsPerCopy",
        "ConcurrentRequestsPerModel",
        "FirstChunkLatency",
        "FirstChunkModelLatency",
        "FirstChunkOverheadLatency",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "InvocationModelErrors",
        "Invocations",
        "InvocationsPerCopy",
        "InvocationsPerInstance",
        "LoadedModelCount",
        "MidStreamErrors",
        "ModelCacheHit",
        "ModelDownloadingTime",
        "ModelLatency",
        "ModelLoadingTime",
        "ModelLoadingWaitTime",
        "ModelSetupTime",
        "ModelUnloadingTime",
        "OverheadLatency",
        "ApproximateBacklogSize",
        "ApproximateBacklogSizePerInstance",
        "ApproximateAgeOfOldestRequest",
        "HasBacklogWithoutCapacity",
        "InvocationFailures",
        "InvocationsProcessed",
        "TimeInBacklog",
        "TimeToProcess",
        "TotalProcessingTime",
        "ExpiredRequests",
        "OldestUnprocessedMessageAge",
        "InvocationsPerVariant",
        "NormalizedInvocations",
    ]
)
