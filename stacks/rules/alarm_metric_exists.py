"""An alarm looks at a metric that AWS publishes, as often as CloudWatch can."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from stacks.rules.kit.metrics import OF_ENDPOINTS, PUBLISHED
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import Found, each, number

_STATISTIC = re.compile(
    r"(p|tm|tc|ts|wm)\d{1,3}(\.\d{0,10})?|(TM|TC|TS|WM|PR)\([^)]{0,60}\)|IQM|SampleCount|Average|Sum|Minimum|Maximum"
)


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    yield from _metric("", resource.properties)
    for path, metric in resource.each("Metrics.*.MetricStat.Metric"):
        if isinstance(metric, dict):
            yield from _metric(f"{path}.", metric)
    yield from _periods([*resource.each("Period"), *resource.each("Metrics.*.MetricStat.Period")])
    for path, value in (*resource.each("ExtendedStatistic"), *resource.each("Metrics.*.MetricStat.Stat")):
        if isinstance(value, str) and not _STATISTIC.fullmatch(value):
            yield Problem(path, value, "CloudWatch has no such statistic")


def _metric(at: str, metric: dict[str, Any]) -> Iterator[Problem]:
    namespace, name = metric.get("Namespace"), metric.get("MetricName")
    published = PUBLISHED.get(namespace) if isinstance(namespace, str) else None
    if published is None:
        return
    dimensions = list(each(metric, "Dimensions.*.Name"))
    known = published.metrics
    if not known and any(value == "EndpointName" for _, value in dimensions):
        known = OF_ENDPOINTS
    if known and isinstance(name, str) and name not in known:
        yield Problem(f"{at}MetricName", name, f"{namespace} has no such metric")
    for path, value in dimensions:
        if isinstance(value, str) and value not in published.dimensions:
            yield Problem(f"{at}{path}", value, f"metrics of {namespace} have no such dimension")


def _periods(found: Iterable[Found]) -> Iterator[Problem]:
    for path, value in found:
        seconds = number(value)
        if seconds is not None and seconds not in (10, 20, 30) and (seconds % 60 or seconds == 0):
            yield Problem(path, value, "a period is 10, 20, 30 or a multiple of 60 seconds")


RULE = Rule(
    id="alarm-metric-exists",
    title="An alarm looks at a metric that exists, in a period that CloudWatch takes",
    why="CloudWatch takes an alarm on a metric that nobody publishes; it waits for values for ever.",
    fix="Correct the name of the metric, of its dimensions, its statistic or its period.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html",
    controls=("NIST SI-4", "NIST AU-6"),
    types=("AWS::CloudWatch::Alarm",),
    check=check,
)
