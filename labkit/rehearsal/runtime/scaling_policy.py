"""What one scaling policy wishes: the alarms of target tracking, and the capacity that the documented rules give."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

DEFAULT_COOLDOWN = 300
HIGH_POINTS, LOW_POINTS = 3, 15
# The low alarm of target tracking is at 90 percent of the target.
LOW_SHARE = 0.9


@dataclass(frozen=True)
class Wish:
    """A capacity that a policy asks for, and the alarm that made it ask."""

    capacity: int
    alarm: str
    policy: str


def alarms_of(
    policy_name: str, policy_arn: str, resource: str, config: dict[str, Any], unique: str
) -> list[dict[str, Any]]:
    """The parameters of PutMetricAlarm for the alarms that AWS makes for a target tracking policy."""
    target = float(config["TargetValue"])
    common = {
        "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy_arn}.",
        "AlarmActions": [policy_arn],
        **_watched(resource, config),
    }
    high = {
        **common,
        "AlarmName": f"TargetTracking-{resource}-AlarmHigh-{unique}",
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": target,
        "EvaluationPeriods": HIGH_POINTS,
    }
    low = {
        **common,
        "AlarmName": f"TargetTracking-{resource}-AlarmLow-{unique}",
        "ComparisonOperator": "LessThanThreshold",
        "Threshold": target * LOW_SHARE,
        "EvaluationPeriods": LOW_POINTS,
    }
    return [high] if config.get("DisableScaleIn") else [high, low]


def tracked(base: int, metric: float, target: float) -> int:
    """The capacity at which a metric per instance would be at its target."""
    return math.ceil(round(base * metric / target, 6))


def stepped(current: int, breach: float, config: dict[str, Any]) -> int:
    """The capacity after the step whose interval holds ``breach`` (metric minus threshold of the alarm)."""
    for step in config.get("StepAdjustments", []):
        lower = float(step.get("MetricIntervalLowerBound", -math.inf))
        upper = float(step.get("MetricIntervalUpperBound", math.inf))
        # Steps above the threshold hold their lower bound, those below it their upper bound.
        inside = lower <= breach < upper if breach >= 0 else lower < breach <= upper
        if inside:
            return _adjusted(current, float(step["ScalingAdjustment"]), config)
    return current


def _adjusted(current: int, by: float, config: dict[str, Any]) -> int:
    kind = config.get("AdjustmentType", "ChangeInCapacity")
    if kind == "ExactCapacity":
        return int(by)
    if kind == "ChangeInCapacity":
        return current + int(by)
    change = current * by / 100
    # Above 1 and below -1 towards zero, between them away from it (step scaling: PercentChangeInCapacity).
    whole = math.trunc(change) if abs(change) >= 1 else int(math.copysign(math.ceil(abs(change)), change))
    least = int(config.get("MinAdjustmentMagnitude", 0))
    if whole and abs(whole) < least:
        whole = int(math.copysign(least, whole))
    return current + whole


def _watched(resource: str, config: dict[str, Any]) -> dict[str, Any]:
    custom = config.get("CustomizedMetricSpecification")
    if custom is None:
        _, endpoint, _, variant = resource.split("/")
        return {
            "Namespace": "AWS/SageMaker",
            "MetricName": "InvocationsPerInstance",
            "Dimensions": [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
            "Statistic": "Sum",
            "Period": 60,
        }
    if queries := custom.get("Metrics"):
        return {"Metrics": [_with_period(query) for query in queries]}
    return {
        "Namespace": custom["Namespace"],
        "MetricName": custom["MetricName"],
        "Dimensions": custom.get("Dimensions", []),
        "Statistic": custom["Statistic"],
        "Period": 60,
        **({"Unit": custom["Unit"]} if custom.get("Unit") else {}),
    }


def _with_period(query: dict[str, Any]) -> dict[str, Any]:
    if "MetricStat" not in query:
        return {**query, "Period": 60}
    return {**query, "MetricStat": {"Period": 60, **query["MetricStat"]}}
