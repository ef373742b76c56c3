"""A roll-out in steps is stopped by the alarms on the endpoint."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function, number, references, texts

_ALARMS = "DeploymentConfig.AutoRollbackConfiguration.Alarms"


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, config in resource.each("DeploymentConfig"):
        if not isinstance(config, dict) or is_function(config):
            continue
        named = {name for _, value in resource.each(f"{_ALARMS}.*.AlarmName") for name in references(value)}
        if not list(resource.each(f"{_ALARMS}.*")):
            yield Problem(f"{path}.AutoRollbackConfiguration.Alarms", None, "no alarm stops a version that fails")
            continue
        for alarm in template.of("AWS::CloudWatch::Alarm"):
            if alarm.logical_id not in named and _watches(alarm, resource):
                yield Problem(_ALARMS, sorted(named), f"{alarm.logical_id} watches the endpoint and stops nothing")
    for path, value in resource.each("DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.CanarySize"):
        whole = _capacity(resource, template) if isinstance(value, dict) else None
        size = number(value.get("Value")) if isinstance(value, dict) else None
        if isinstance(value, dict) and value.get("Type") == "CAPACITY_PERCENT":
            whole = 100
        if size is not None and whole is not None and size * 2 > whole:
            yield Problem(f"{path}.Value", size, f"a canary takes half of the capacity ({whole}) at most")


def _capacity(endpoint: Resource, template: Template) -> int | None:
    """How many instances the variants start with, where the template tells."""
    config = template.target(endpoint.one("EndpointConfigName"), "AWS::SageMaker::EndpointConfig")
    counts = [number(value) for _, value in config.each("ProductionVariants.*.InitialInstanceCount")] if config else []
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _watches(alarm: Resource, endpoint: Resource) -> bool:
    name = set(texts(endpoint.properties.get("EndpointName"))) | {f"${{{endpoint.logical_id}.EndpointName}}"}
    dimensions = [*alarm.each("Dimensions.*.Value"), *alarm.each("Metrics.*.MetricStat.Metric.Dimensions.*.Value")]
    return any(text in name for _, value in dimensions for text in texts(value))


RULE = Rule(
    id="roll-out-guarded",
    title="Every alarm on an endpoint stops a roll-out in steps",
    why="A canary that nothing watches is a delay: a version that fails takes all traffic all the same.",
    fix="Name the endpoint's alarms in DeploymentConfig.AutoRollbackConfiguration.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html",
    controls=("NIST CM-3", "NIST SI-4"),
    types=("AWS::SageMaker::Endpoint",),
    check=check,
)
