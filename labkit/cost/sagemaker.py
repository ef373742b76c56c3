"""What SageMaker resources cost: instances by the hour, and the jobs that a definition starts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from labkit.cost.line import Line, fixed, unknown, usage
from labkit.cost.rules import number, rule
from labkit.cost.template import Resource, Template, literal, references

_SERVICE = "SageMaker"
_JOB_USES = {"Training": "training", "Processing": "processing", "Transform": "batch transform", "Tuning": "training"}


@rule("AWS::SageMaker::Endpoint")
def _endpoint(resource: Resource, template: Template) -> Iterable[Line]:
    config = template.named(resource.properties.get("EndpointConfigName"))
    if config is None:
        yield unknown(resource, _SERVICE, "hosting", why="its endpoint configuration is not in the template")
        return
    properties = config.properties
    for variant in [*properties.get("ProductionVariants", []), *properties.get("ShadowProductionVariants", [])]:
        yield from _variant(resource, template, variant)
    yield usage(resource, _SERVICE, "Endpoint data processed", why="requests and answers")


def _variant(resource: Resource, template: Template, variant: dict[str, Any]) -> Iterable[Line]:
    name = literal(variant.get("VariantName"))
    serverless = variant.get("ServerlessConfig")
    if serverless is not None:
        memory = number(serverless.get("MemorySizeInMB"), 1024) / 1024
        why = f"each second of inference at {memory:g} GB, variant {name}"
        yield usage(resource, _SERVICE, "Serverless inference compute", why=why)
        if serverless.get("ProvisionedConcurrency"):
            yield unknown(resource, _SERVICE, "Provisioned concurrency", why=f"variant {name}")
        return
    at_first = number(variant.get("InitialInstanceCount"))
    least, most = _capacity(resource, template, name)
    item = f"{variant.get('InstanceType')} hosting"
    running = max(at_first, least)
    yield fixed(resource, _SERVICE, item, quantity=running, most=most, why=f"instances of variant {name}")
    if "VolumeSizeInGB" in variant:
        size = number(variant["VolumeSizeInGB"])
        yield fixed(
            resource,
            _SERVICE,
            "Endpoint ML storage",
            quantity=size * running,
            most=size * most,
            why=f"{size:g} GB on each instance",
        )
    else:
        yield usage(resource, _SERVICE, "Endpoint ML storage", why="the volume that SageMaker gives each instance")


def _capacity(endpoint: Resource, template: Template, variant: str) -> tuple[float, float]:
    """The fewest and the most instances that scaling may set, scheduled changes included; zeros without scaling."""
    least = most = 0.0
    for target in template.of("AWS::ApplicationAutoScaling::ScalableTarget"):
        named = target.properties.get("ResourceId")
        known = set(references(named)) & template.resources.keys()
        mine = endpoint.logical_id in known if known else len(template.of(endpoint.type)) == 1
        if not mine or not literal(named).endswith(f"variant/{variant}"):
            continue
        scheduled = [action.get("ScalableTargetAction", {}) for action in target.properties.get("ScheduledActions", [])]
        least = max(least, number(target.properties.get("MinCapacity"), 0))
        most = max(most, *(number(each.get("MaxCapacity"), 0) for each in [target.properties, *scheduled]))
    return least, most


@rule("AWS::SageMaker::NotebookInstance")
def _notebook(resource: Resource, template: Template) -> Iterable[Line]:
    item = f"{resource.properties.get('InstanceType')} notebook"
    yield fixed(resource, _SERVICE, item, quantity=1, why="while it runs")
    yield unknown(resource, _SERVICE, "Notebook storage", why="its volume, also while it is stopped")


@rule("AWS::SageMaker::App")
def _app(resource: Resource, template: Template) -> Iterable[Line]:
    instance = resource.properties.get("ResourceSpec", {}).get("InstanceType", "ml.t3.medium")
    yield fixed(resource, _SERVICE, f"{instance} {resource.properties.get('AppType')}", quantity=1, why="while it runs")


@rule("AWS::SageMaker::FeatureGroup")
def _feature_group(resource: Resource, template: Template) -> Iterable[Line]:
    if "OnlineStoreConfig" in resource.properties:
        yield usage(resource, _SERVICE, "Feature Store online writes", why="each record written, by size")
        yield usage(resource, _SERVICE, "Feature Store online reads", why="each record read, by size")
        yield usage(resource, _SERVICE, "Feature Store online storage", why="what is stored")
    if "OfflineStoreConfig" in resource.properties:
        yield usage(resource, "S3", "Standard storage", why="the offline store")


@rule("AWS::SageMaker::MonitoringSchedule")
def _monitoring(resource: Resource, template: Template) -> Iterable[Line]:
    config = resource.properties.get("MonitoringScheduleConfig", {})
    inline = config.get("MonitoringJobDefinition")
    named = config.get("MonitoringJobDefinitionName")
    definition = template.named(named)
    if definition is None and isinstance(named, str):
        definition = next(
            (
                each
                for each in template.resources.values()
                if each.type.endswith("JobDefinition") and each.properties.get("JobDefinitionName") == named
            ),
            None,
        )
    resources = (
        inline.get("MonitoringResources") if inline else definition and definition.properties.get("JobResources")
    )
    cluster = (resources or {}).get("ClusterConfig", {})
    when = literal(config.get("ScheduleConfig", {}).get("ScheduleExpression")) or "its schedule"
    if "InstanceType" not in cluster:
        yield usage(resource, _SERVICE, "processing", why=f"each run of {when}; its job definition is elsewhere")
        return
    count = number(cluster.get("InstanceCount"))
    yield usage(resource, _SERVICE, f"{cluster['InstanceType']} processing", why=f"{count:g} for each run of {when}")


@rule("AWS::SageMaker::MlflowTrackingServer")
def _tracking_server(resource: Resource, template: Template) -> Iterable[Line]:
    size = resource.properties.get("TrackingServerSize", "Small")
    yield fixed(resource, _SERVICE, f"MLflow tracking server {size}", quantity=1, why="while it runs")


@rule("AWS::SageMaker::Pipeline")
def _pipeline(resource: Resource, template: Template) -> Iterable[Line]:
    body = literal(resource.properties.get("PipelineDefinition", {}).get("PipelineDefinitionBody"))
    try:
        definition = json.loads(body)
        jobs = list(_jobs(definition.get("Steps", [])))
    except (ValueError, AttributeError):
        yield usage(resource, _SERVICE, "jobs of the pipeline", why="its definition is not in the template")
        return
    defaults = {each.get("Name"): each.get("DefaultValue") for each in definition.get("Parameters", [])}
    for name, use, cluster in jobs:
        instance, count = (_parameter(cluster.get(key), defaults) for key in ("InstanceType", "InstanceCount"))
        why = f"{number(count):g} for each run of step {name}"
        yield usage(resource, _SERVICE, f"{instance} {use}", why=why)
    if not jobs:
        yield Line(resource.logical_id, resource.type, "free", _SERVICE, "pipeline", "none of its steps runs a job")


def _parameter(value: Any, defaults: dict[str, Any]) -> Any:
    if isinstance(value, dict) and value.keys() == {"Get"}:
        return defaults.get(str(value["Get"]).removeprefix("Parameters."))
    return value


def _jobs(steps: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, use and cluster of every step that runs a job, also of those under a condition."""
    for step in steps:
        arguments = step.get("Arguments", {})
        for branch in ("IfSteps", "ElseSteps"):
            yield from _jobs(arguments.get(branch, []))
        use = _JOB_USES.get(str(step.get("Type")))
        for cluster in _clusters(arguments) if use else ():
            yield str(step.get("Name")), str(use), cluster


def _clusters(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "InstanceType" in value:
            yield value
        else:
            for item in value.values():
                yield from _clusters(item)
    elif isinstance(value, list):
        for item in value:
            yield from _clusters(item)
