"""An alarm on a metric of one's own looks at one that the stack's code publishes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.publishers import Said, publishers
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import each

# Namespaces that AWS's services and agents fill.
# Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html
_OF_AWS = ("aws/", "/aws/")
_ALSO_OF_AWS = frozenset(
    ["AmazonMWAA", "CWAgent", "CloudWatchSynthetics", "ContainerInsights", "ECS/ContainerInsights", "Glue", "LambdaInsights"]
)  # fmt: skip
# Dimensions and metrics that Powertools and the library of the embedded metric format add by themselves.
# Sources: https://docs.aws.amazon.com/powertools/python/latest/core/metrics/,
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Libraries.html
_ADDED = frozenset(["ColdStart", "LogGroup", "ServiceName", "ServiceType", "function_name", "service"])


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for path, metric in _metrics(resource):
        namespace = view.plain(metric["Namespace"])
        if not namespace or namespace.lower().startswith(_OF_AWS) or namespace in _ALSO_OF_AWS:
            continue
        found = publishers(namespace, view)
        if not found:
            continue
        at = f"{path}." if path else ""
        yield from _unknown(f"{at}MetricName", metric["MetricName"], f"metric of {namespace}", found, view)
        for where, value in each(metric, "Dimensions.*.Name"):
            yield from _unknown(f"{at}{where}", value, f"dimension in {namespace}", found, view)


def _unknown(path: str, value: Any, what: str, found: tuple[Said, ...], view: View) -> Iterator[Fault]:
    name = view.plain(value)
    if name and name not in _ADDED and not any(said.knows(name) for said in found):
        yield Fault(
            path,
            value,
            f"no code, setting or metric filter of the stack that publishes there names this {what}",
            undecided=any(said.computes for said in found),
        )


def _metrics(resource: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    stack: list[tuple[str, Any]] = [("", resource.properties)]
    while stack:
        path, current = stack.pop()
        if isinstance(current, dict):
            if "Namespace" in current and "MetricName" in current:
                yield path, current
            items: Iterable[tuple[Any, Any]] = current.items()
        else:
            items = enumerate(current) if isinstance(current, list) else ()
        stack += [(f"{path}.{name}" if path else str(name), inner) for name, inner in items]


CHECK = Check(
    id="deploy-custom-metric-published",
    title="A metric of one's own that is watched is one that the stack publishes",
    phase="first-use",
    why="CloudWatch takes an alarm on any name; of a metric that nobody publishes it never gets a value.",
    fix="Use the names of metric and dimensions under which the code publishes.",
    error="(no error; the alarm stays in INSUFFICIENT_DATA, or is OK where missing data do not count)",
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/publishingMetrics.html",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html",
    ),
    types=(
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::AnomalyDetector",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::AutoScaling::ScalingPolicy",
    ),
    look=look,
)
