"""CloudWatch alarms: evaluated each emulated minute by the documented rules, with history, actions and events."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import alarm_actions, alarm_rules, expressions
from labkit.rehearsal.runtime.metrics import Metrics, Series, floor

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
# CloudWatch looks further back than the evaluation periods (How alarms treat missing data: "evaluation range").
_FURTHER_BACK = 2


class Alarms:
    """The alarms of one account and region."""

    def __init__(self, context: Context, metrics: Metrics) -> None:
        self._context, self._metrics = context, metrics
        self._minute: datetime | None = None
        self._backend: Any = None
        context.clock.subscribe(self.tick)

    def attach(self, backend: Any) -> None:
        """Take the alarms from moto's backend of this account and region."""
        self._backend = backend

    def all(self) -> list[Any]:
        """Every alarm, composite ones last."""
        alarms = list(self._backend.alarms.values()) if self._backend else []
        return sorted(alarms, key=lambda alarm: alarm.rule is not None)

    def get(self, name: str) -> Any:
        """An alarm by name, or None."""
        return self._backend.alarms.get(name) if self._backend else None

    def state(self, name: str) -> str | None:
        """The state of an alarm by name; None: there is no such alarm."""
        alarm = self.get(name)
        return None if alarm is None else str(alarm.state_value)

    def tick(self, now: datetime) -> None:
        """Evaluate every alarm once per minute."""
        minute = floor(now, 60)
        if minute == self._minute:
            return
        self._minute = minute
        for alarm in self.all():
            if alarm.rule is not None:
                self._evaluate_composite(alarm)
            else:
                self._evaluate(alarm, minute)

    def points(self, alarm: Any, minute: datetime, *, periods: int) -> Series:
        """The newest complete periods that have data, oldest first.

        Raises:
            expressions.ExpressionError: the alarm watches something that is not evaluated here.
        """
        if alarm.threshold_metric_id:
            raise expressions.ExpressionError("an anomaly detection band is not computed")
        queries, returned, period = _queries(alarm)
        start = minute - timedelta(seconds=period * periods)
        found = expressions.evaluate(self._metrics, queries, start=start, end=minute, anchor=minute)[returned]
        return dict(sorted(found.items()))

    def set_state(self, alarm: Any, state: str, reason: str, data: str) -> None:
        """Enter a new state, remember it, and act on it."""
        old = alarm.state_value
        now = self._context.clock.now()
        alarm.state_reason, alarm.state_reason_data = reason, data
        alarm.state_updated_timestamp = now
        if state == old:
            return
        alarm.state_value = state
        told = {
            "version": "1.0",
            "oldState": {"stateValue": old},
            "newState": {"stateValue": state, "stateReason": reason},
        }
        self.remember(alarm, "StateUpdate", f"Alarm updated from {old} to {state}", told)
        alarm_actions.announce(self._context, alarm, old, now)
        if alarm.actions_enabled:
            for arn in _actions(alarm, state):
                problem = alarm_actions.act(self._context, alarm, arn, old, now)
                outcome = (
                    f"Failed to execute action {arn}: {problem}" if problem else f"Successfully executed action {arn}"
                )
                self.remember(alarm, "Action", outcome, {"actionState": "Failed" if problem else "Succeeded"})

    def remember(self, alarm: Any, kind: str, summary: str, data: dict[str, Any]) -> None:
        """Enter one item of the history."""
        alarm.items.append(
            {
                "AlarmName": alarm.name,
                "AlarmType": "MetricAlarm" if alarm.rule is None else "CompositeAlarm",
                "Timestamp": self._context.clock.now(),
                "HistoryItemType": kind,
                "HistorySummary": summary,
                "HistoryData": json.dumps(data),
            }
        )

    def _evaluate(self, alarm: Any, minute: datetime) -> None:
        try:
            points = self.points(alarm, minute, periods=int(alarm.evaluation_periods) + _FURTHER_BACK)
        except expressions.ExpressionError as problem:
            self._context.ledger.note(f"alarm not evaluated: {problem}", about=alarm.name)
            return
        state = judge(alarm, list(points.values()))
        if state is None:
            return
        recent = list(points.items())[-int(alarm.evaluation_periods) :]
        shown = ", ".join(f"{value} ({moment:%d/%m/%y %H:%M:%S})" for moment, value in reversed(recent))
        reason = f"Threshold Crossed: {len(recent)} datapoints [{shown}] were compared with {alarm.threshold}."
        if state == "INSUFFICIENT_DATA":
            reason = f"Insufficient Data: {alarm.evaluation_periods} datapoints were unknown."
        data = {"version": "1.0", "recentDatapoints": [value for _, value in recent], "threshold": alarm.threshold}
        self.set_state(alarm, state, reason, json.dumps(data))

    def _evaluate_composite(self, alarm: Any) -> None:
        def state_of(name: str) -> str:
            child = self.get(name)
            return str(child.state_value) if child else "INSUFFICIENT_DATA"

        try:
            state = "ALARM" if alarm_rules.holds(alarm.rule, state_of) else "OK"
        except alarm_rules.RuleError as problem:
            self._context.ledger.note(f"alarm not evaluated: {problem}", about=alarm.name)
            return
        self.set_state(alarm, state, f"the rule {alarm.rule} is {str(state == 'ALARM').lower()}", "{}")


def judge(alarm: Any, values: list[float]) -> str | None:
    """The state that these data points give, oldest first; None: the state stays as it is."""
    wanted = int(alarm.evaluation_periods)
    needed = int(alarm.datapoints_to_alarm or wanted)
    breaches = _BREACHES[alarm.comparison_operator]
    recent = values[-wanted:]
    breaching = sum(breaches(value, float(alarm.threshold)) for value in recent)
    missing = wanted - len(recent)
    treatment = alarm.treat_missing_data or "missing"
    if breaching >= needed:
        return "ALARM"
    if not missing:
        return "OK"
    if treatment == "breaching":
        return "ALARM" if breaching + missing >= needed else "OK"
    if treatment == "notBreaching":
        return "OK"
    if treatment == "ignore":
        return None
    if not recent:
        return "INSUFFICIENT_DATA"
    # Some data, all of it breaching, but less than needed: too early to say.
    return "OK" if breaching < len(recent) else None


def install(context: Context, metrics: Metrics) -> Alarms:
    """Have moto's alarms evaluated, and answer DescribeAlarmHistory."""
    alarms = Alarms(context, metrics)
    context.on_import("moto.cloudwatch.models", lambda module: _patch(module, context, alarms))
    context.on_import("moto.cloudwatch.responses", lambda module: _patch_answers(module, alarms))
    for kind in ("Alarm", "CompositeAlarm"):
        context.ledger.executes(f"AWS::CloudWatch::{kind}", "evaluated each emulated minute")
    return alarms


def _patch(module: ModuleType, context: Context, alarms: Alarms) -> None:
    alarm_class, backend = module.Alarm, module.CloudWatchBackend
    initialize, put, start = alarm_class.__init__, backend.put_metric_alarm, backend.__init__

    def begin_with(self: Any, *arguments: Any, **named: Any) -> None:
        initialize(self, *arguments, **named)
        self.items = []
        self.state_value = "INSUFFICIENT_DATA"
        self.state_updated_timestamp = self.configuration_updated_timestamp = context.clock.now()

    def update_state(self: Any, reason: str, reason_data: str, state_value: str) -> None:
        alarms.set_state(self, state_value, reason, reason_data or "{}")

    def put_metric_alarm(self: Any, name: str, *arguments: Any, **named: Any) -> Any:
        old = self.alarms.get(name)
        alarm = put(self, name, *arguments, **named)
        if old is not None:
            for attribute in ("items", "state_value", "state_reason", "state_reason_data", "state_updated_timestamp"):
                setattr(alarm, attribute, getattr(old, attribute))
        change = "updated" if old else "created"
        alarms.remember(alarm, "ConfigurationUpdate", f'Alarm "{name}" {change}', {"type": change})
        return alarm

    def begin(self: Any, region_name: str, account_id: str) -> None:
        start(self, region_name, account_id)
        if (region_name, account_id) == (context.region, context.account):
            alarms.attach(self)

    alarm_class.__init__, alarm_class.update_state = begin_with, update_state
    backend.__init__, backend.put_metric_alarm = begin, put_metric_alarm


def _patch_answers(module: ModuleType, alarms: Alarms) -> None:
    def describe_alarm_history(self: Any) -> Any:
        name, kind = self._get_param("AlarmName"), self._get_param("HistoryItemType")
        items = [
            item
            for alarm in alarms.all()
            if name in (None, alarm.name)
            for item in alarm.items
            if kind in (None, item["HistoryItemType"])
        ]
        newest_first = self._get_param("ScanBy") != "TimestampAscending"
        items.sort(key=lambda item: item["Timestamp"], reverse=newest_first)
        return module.ActionResult({"AlarmHistoryItems": items[: self._get_int_param("MaxRecords") or 100]})

    response = module.CloudWatchResponse
    response.describe_alarm_history = describe_alarm_history


def _actions(alarm: Any, state: str) -> list[str]:
    by_state = {
        "ALARM": alarm.alarm_actions,
        "OK": alarm.ok_actions,
        "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
    }
    return list(by_state[state] or ())


def _queries(alarm: Any) -> tuple[list[dict[str, Any]], str, int]:
    """The queries of an alarm as GetMetricData spells them, the id of the one that counts, and its period."""
    if not alarm.metric_data_queries:
        stat = {
            "Metric": {
                "Namespace": alarm.namespace,
                "MetricName": alarm.metric_name,
                "Dimensions": [{"Name": each.name, "Value": each.value} for each in alarm.dimensions],
            },
            "Period": int(alarm.period),
            "Stat": alarm.statistic or alarm.extended_statistic,
        }
        return [{"Id": "m", "MetricStat": stat}], "m", int(alarm.period)
    queries: list[dict[str, Any]] = []
    for query in alarm.metric_data_queries:
        entry: dict[str, Any] = {"Id": query.id}
        if query.metric_stat:
            metric = query.metric_stat.metric
            entry["MetricStat"] = {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.metric_name,
                    "Dimensions": [{"Name": each.name, "Value": each.value} for each in metric.dimensions],
                },
                "Period": int(query.metric_stat.period),
                "Stat": query.metric_stat.stat,
            }
        else:
            entry["Expression"] = query.expression
        queries.append(entry)
    returned = next(query.id for query in alarm.metric_data_queries if query.return_data not in (False, "false"))
    periods = [entry["MetricStat"]["Period"] for entry in queries if "MetricStat" in entry]
    return queries, returned, max(periods, default=60)
