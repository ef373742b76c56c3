"""Makes alarms that nobody hears, or that never ring."""

from __future__ import annotations

from typing import Any

from labkit.review.mutation.kit.operator import Operator, adds, drops, sets

_ALARM = "AWS::CloudWatch::Alarm Properties"


def _more_than_periods(alarm: Any) -> Any:
    return {**alarm, "DatapointsToAlarm": alarm["EvaluationPeriods"] + 1}


OPERATORS: tuple[Operator, ...] = (
    drops("drop-alarm-action", "An alarm that tells nobody", "security", f"{_ALARM}.AlarmActions"),
    adds(
        "alarm-actions-off",
        "An alarm whose actions are off",
        "security",
        "AWS::CloudWatch::Alarm",
        to=lambda one: {**one, "ActionsEnabled": False},
    ),
    sets(
        "alarm-dimension-wrong",
        "An alarm on a dimension that its metric does not have",
        "deployment",
        f"{_ALARM}.**.Dimensions.*.Name",
        to=lambda name: f"{name}s",
    ),
    sets(
        "alarm-metric-wrong",
        "An alarm on a metric that does not exist",
        "deployment",
        f"{_ALARM}.**.MetricName",
        to=lambda name: f"{name}s",
    ),
    sets(
        "alarm-period-odd",
        "An alarm with a period that CloudWatch refuses",
        "deployment",
        f"{_ALARM}.Period",
        f"{_ALARM}.Metrics.*.MetricStat.Period",
        to=45,
    ),
    sets(
        "alarm-datapoints",
        "An alarm that waits for more values than it looks at",
        "deployment",
        _ALARM,
        where=lambda alarm: "EvaluationPeriods" in alarm,
        to=_more_than_periods,
    ),
    sets(
        "alarm-comparison-unknown",
        "An alarm with a comparison that does not exist",
        "deployment",
        f"{_ALARM}.ComparisonOperator",
        to="GreaterThan",
    ),
    sets(
        "alarm-statistic-unknown",
        "An alarm with a statistic that does not exist",
        "deployment",
        f"{_ALARM}.Statistic",
        f"{_ALARM}.ExtendedStatistic",
        to="Mean",
    ),
    sets(
        "dashboard-broken",
        "A dashboard whose body is no JSON",
        "deployment",
        "AWS::CloudWatch::Dashboard Properties.DashboardBody",
        to="{widgets:",
    ),
)
