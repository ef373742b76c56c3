"""Breaks automatic scaling."""

from __future__ import annotations

from labkit.review.mutation.kit.operator import Operator, sets

_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget Properties"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy Properties"

OPERATORS: tuple[Operator, ...] = (
    sets("scaling-inverted", "A target whose least is above its most", "deployment", f"{_TARGET}.MinCapacity", to=100),
    sets(
        "scaling-of-nothing",
        "A target that names no endpoint",
        "deployment",
        f"{_TARGET}.ResourceId",
        to="endpoint/none",
    ),
    sets(
        "scaling-dimension",
        "A target with a dimension of another service",
        "deployment",
        f"{_TARGET}.ScalableDimension",
        to="ecs:service:DesiredCount",
    ),
    sets(
        "scaling-metric-wrong",
        "A policy on a predefined metric that does not exist",
        "deployment",
        f"{_POLICY}.**.PredefinedMetricType",
        to="SageMakerInvocations",
    ),
    sets(
        "scaling-kind-wrong",
        "A policy of the other kind than its settings",
        "deployment",
        f"{_POLICY}.PolicyType",
        to="StepScaling",
    ),
)
