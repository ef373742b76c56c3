"""What a reader cares about in a box: sizes, limits, schedules, in a few words a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.cost.template import Resource, literal
from labkit.diagram.stack import Stack
from labkit.diagram.text import count, listed, words

_METRICS = {
    "SageMakerVariantInvocationsPerInstance": "invocations per instance",
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": "concurrent requests",
    "CPUUtilization": "CPU utilization",
}


def configurations(resource: Resource, stack: Stack) -> list[dict[str, Any]]:
    """The properties of the endpoint configuration that an endpoint uses; nothing for other resources."""
    named = stack.named(resource.properties.get("EndpointConfigName"), "AWS::SageMaker::EndpointConfig")
    return [configuration.properties for configuration in named]


def _endpoint(resource: Resource, stack: Stack) -> list[str]:
    lines = []
    for properties in configurations(resource, stack):
        for key, prefix in (("ProductionVariants", ""), ("ShadowProductionVariants", "shadow: ")):
            for variant in properties.get(key, []):
                serverless = variant.get("ServerlessConfig")
                size = (
                    f"serverless, {serverless.get('MemorySizeInMB')} MB"
                    if serverless
                    else f"{variant.get('InitialInstanceCount', 1)} x {variant.get('InstanceType')}"
                )
                lines.append(f"{prefix}{size}")
        capture = properties.get("DataCaptureConfig", {})
        if capture.get("EnableCapture"):
            lines.append(f"captures {capture.get('InitialSamplingPercentage')} % of requests")
        if "AsyncInferenceConfig" in properties:
            lines.append("asynchronous")
    if resource.properties.get("DeploymentConfig", {}).get("BlueGreenUpdatePolicy"):
        routing = resource.properties["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
        lines.append(f"blue/green, {words(str(routing.get('Type', '')).lower())}")
    return lines


def _model(resource: Resource, stack: Stack) -> list[str]:
    containers = [resource.properties.get("PrimaryContainer"), *resource.properties.get("Containers", [])]
    lines = [
        literal(each["Image"]).rsplit("/", 1)[-1].replace(":", " ") for each in containers if each and "Image" in each
    ]
    if resource.properties.get("EnableNetworkIsolation"):
        lines.append("network isolation")
    return lines


def _scaling(resource: Resource, stack: Stack) -> list[str]:
    lines = [f"{resource.properties.get('MinCapacity')} to {resource.properties.get('MaxCapacity')}"]
    if "DesiredInstanceCount" in literal(resource.properties.get("ScalableDimension")):
        lines[0] += " instances"
    for policy in stack.of("AWS::ApplicationAutoScaling::ScalingPolicy"):
        if resource in stack.named(policy.properties.get("ScalingTargetId")):
            lines.append(f"by {_metric(policy.properties)}")
    scheduled = len(resource.properties.get("ScheduledActions", []))
    return [*lines, f"{count(scheduled, 'schedule')}"] if scheduled else lines


def _metric(policy: dict[str, Any]) -> str:
    tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
    if not tracking:
        return "steps"
    name = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    name = name or tracking.get("CustomizedMetricSpecification", {}).get("MetricName") or "a metric"
    return _METRICS.get(name, words(name).lower())


def _function(resource: Resource, stack: Stack) -> list[str]:
    return [str(resource.properties["Runtime"])] if "Runtime" in resource.properties else []


def _bucket(resource: Resource, stack: Stack) -> list[str]:
    properties = resource.properties
    lines = ["versioned"] if properties.get("VersioningConfiguration", {}).get("Status") == "Enabled" else []
    rules = properties.get("LifecycleConfiguration", {}).get("Rules", [])
    days = [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule]
    if days:
        lines.append(f"kept {min(days)} days")
    logged = [bucket for bucket in stack.of(resource.type) if resource in stack.named(_log_place(bucket))]
    if len(logged) > 1:
        lines.append(f"access logs of {len(logged)} buckets")
    return lines


def _log_place(bucket: Resource) -> Any:
    return bucket.properties.get("LoggingConfiguration", {}).get("DestinationBucketName")


def _workgroup(resource: Resource, stack: Stack) -> list[str]:
    queries = [
        query
        for query in stack.of("AWS::Athena::NamedQuery")
        if resource in stack.named(query.properties.get("WorkGroup"))
    ]
    limit = resource.properties.get("WorkGroupConfiguration", {}).get("BytesScannedCutoffPerQuery")
    lines = [f"at most {int(limit) / 1_000_000:,.0f} MB a query"] if limit else []
    return [*lines, count(len(queries), "named query")] if queries else lines


def _database(resource: Resource, stack: Stack) -> list[str]:
    tables = [
        table for table in stack.of("AWS::Glue::Table") if resource in stack.named(table.properties.get("DatabaseName"))
    ]
    return [count(len(tables), "table")] if tables else []


def _rule(resource: Resource, stack: Stack) -> list[str]:
    schedule = resource.properties.get("ScheduleExpression")
    pattern = resource.properties.get("EventPattern", {})
    kinds = pattern.get("detail-type", []) if isinstance(pattern, dict) else []
    return [literal(schedule)] if schedule else [str(each) for each in kinds[:2]]


def _schedule(resource: Resource, stack: Stack) -> list[str]:
    return [literal(resource.properties.get("ScheduleExpression"))]


def _monitor(resource: Resource, stack: Stack) -> list[str]:
    config = resource.properties.get("MonitoringScheduleConfig", {})
    when = literal(config.get("ScheduleConfig", {}).get("ScheduleExpression"))
    kind_ = words(str(config.get("MonitoringType", "")))
    return [line for line in (kind_.lower().replace("data quality", "data quality"), when) if line]


def _pipeline(resource: Resource, stack: Stack) -> list[str]:
    stages = [str(stage.get("Name")) for stage in resource.properties.get("Stages", [])]
    return listed(stages, 5)


def _topic(resource: Resource, stack: Stack) -> list[str]:
    places = [*resource.properties.get("Subscription", [])]
    places += [
        each.properties
        for each in stack.of("AWS::SNS::Subscription")
        if resource in stack.named(each.properties.get("TopicArn"))
    ]
    return sorted({f"to {place.get('Protocol')}" for place in places})


DETAILS: dict[str, Callable[[Resource, Stack], list[str]]] = {
    "AWS::SageMaker::Endpoint": _endpoint,
    "AWS::SageMaker::Model": _model,
    "AWS::SageMaker::MonitoringSchedule": _monitor,
    "AWS::ApplicationAutoScaling::ScalableTarget": _scaling,
    "AWS::Lambda::Function": _function,
    "AWS::S3::Bucket": _bucket,
    "AWS::Athena::WorkGroup": _workgroup,
    "AWS::Glue::Database": _database,
    "AWS::Events::Rule": _rule,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::CodePipeline::Pipeline": _pipeline,
    "AWS::SNS::Topic": _topic,
}
