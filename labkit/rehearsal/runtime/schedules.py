"""EventBridge Scheduler and scheduled rules: what falls due on the emulated clock is really done."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import event_input
from labkit.rehearsal.runtime.delivery import deliver
from labkit.rehearsal.runtime.timetable import ScheduleError, Timetable

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_UNIVERSAL = ":scheduler:::aws-sdk:"


class Schedules:
    """The schedules of one account and region."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._last = context.clock.now()
        self._scheduler: Any = None
        context.clock.subscribe(self.tick)

    def attach(self, backend: Any) -> None:
        """Take the schedules from moto's backend of this account and region."""
        self._scheduler = backend

    def tick(self, now: datetime) -> None:
        """Do what fell due since the last tick."""
        after, self._last = self._last, now
        if self._scheduler is None:
            return
        for group in list(self._scheduler.schedule_groups.values()):
            for schedule in list(group.schedules.values()):
                if schedule.state == "ENABLED":
                    self._look_at(group, schedule, after, now)

    def _look_at(self, group: Any, schedule: Any, after: datetime, now: datetime) -> None:
        timetable = Timetable(schedule.schedule_expression, schedule.schedule_expression_timezone, schedule.created)
        try:
            due = timetable.due(after, now)
        except ScheduleError as problem:
            self._context.ledger.note(f"schedule not understood: {problem}", about=schedule.name)
            return
        start, end = _moment(schedule.start_date), _moment(schedule.end_date)
        for moment in due:
            if (start and moment < start) or (end and moment > end):
                continue
            self._run(schedule, moment)
            if timetable.once and schedule.action_after_completion == "DELETE":
                group.schedules.pop(schedule.name, None)

    def _run(self, schedule: Any, moment: datetime) -> None:
        target = schedule.target
        stamp = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        text = target.get("Input") or json.dumps(
            {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": self._context.account,
                "time": stamp,
                "region": self._context.region,
                "resources": [schedule.arn],
                "detail": "{}",
            }
        )
        text = text.replace("<aws.scheduler.scheduled-time>", stamp).replace(
            "<aws.scheduler.schedule-arn>", schedule.arn
        )
        try:
            if _UNIVERSAL in target["Arn"]:
                call(self._context, target["Arn"], json.loads(text))
            else:
                deliver(self._context, target["Arn"], text, settings=target)
        except Exception as problem:  # whatever the target says is the schedule's failure, not the emulator's
            self._context.ledger.note(f"schedule failed at {stamp}: {problem}", about=schedule.name)
            if dead_letters := target.get("DeadLetterConfig", {}).get("Arn"):
                deliver(self._context, dead_letters, text)


class Rules:
    """The rules of every event bus of one account and region."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._last = context.clock.now()
        self._events: Any = None
        context.clock.subscribe(self.tick)

    def attach(self, backend: Any) -> None:
        """Take the rules from moto's backend of this account and region."""
        self._events = backend

    def tick(self, now: datetime) -> None:
        """Send the event of every rule whose schedule fell due."""
        after, self._last = self._last, now
        buses = list(self._events.event_buses.values()) if self._events else []
        for rule in [rule for bus in buses for rule in bus.rules.values()]:
            if not rule.scheduled_expression or rule.state == "DISABLED":
                continue
            try:
                due = Timetable(rule.scheduled_expression, since=rule.created).due(after, now)
            except ScheduleError as problem:
                self._context.ledger.note(f"schedule not understood: {problem}", about=rule.name)
                continue
            for moment in due:
                self.send(rule, self._event(rule, moment))

    def send(self, rule: Any, event: dict[str, Any]) -> None:
        """Hand an event to the targets of a rule; one that fails does not keep the others from theirs."""
        for target in rule.targets:
            try:
                text = event_input.chosen(target, event, rule_arn=rule.arn, now=self._context.clock.now())
                deliver(self._context, target["Arn"], text, settings={**target, "RuleArn": rule.arn})
            except Exception as problem:
                self._context.ledger.note(f"target {target['Arn']} got nothing: {problem}", about=rule.name)
                if dead_letters := target.get("DeadLetterConfig", {}).get("Arn"):
                    deliver(self._context, dead_letters, json.dumps(event))

    def _event(self, rule: Any, moment: datetime) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": self._context.account,
            "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            "region": self._context.region,
            "resources": [rule.arn],
            "detail": {},
        }


def call(context: Context, arn: str, arguments: dict[str, Any]) -> None:
    """The API operation that a universal target names, such as ``...:aws-sdk:cloudformation:deleteStack``."""
    from botocore import xform_name

    service, operation = arn.split(_UNIVERSAL)[1].split(":")
    getattr(context.client({"sfn": "stepfunctions"}.get(service, service)), xform_name(operation))(**arguments)


def install(context: Context) -> None:
    """Have moto's EventBridge and Scheduler act."""
    schedules, rules = Schedules(context), Rules(context)
    context.on_import("moto.scheduler.models", lambda module: _patch_scheduler(module, context, schedules))
    context.on_import("moto.events.models", lambda module: _patch_events(module, context, rules))
    context.ledger.executes("AWS::Scheduler::Schedule", "its target is called when the emulated clock passes")
    context.ledger.executes(
        "AWS::Events::Rule", "matching and scheduled events reach functions, queues, topics, workflows"
    )


def _patch_scheduler(module: ModuleType, context: Context, schedules: Schedules) -> None:
    backend: Any = module.EventBridgeSchedulerBackend
    schedule: Any = module.Schedule
    _attach(backend, context, schedules)
    initialize = schedule.__init__

    def begin_with(self: Any, *arguments: Any, **named: Any) -> None:
        initialize(self, *arguments, **named)
        self.created = context.clock.now()

    schedule.__init__ = begin_with


def _patch_events(module: ModuleType, context: Context, rules: Rules) -> None:
    rule: Any = module.Rule
    _attach(module.EventsBackend, context, rules)
    initialize, native = rule.__init__, rule.send_to_targets

    def begin_with(self: Any, *arguments: Any, **named: Any) -> None:
        initialize(self, *arguments, **named)
        self.created = context.clock.now()

    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        own = [target for target in self.targets if _is_native(target["Arn"])]
        others = [target for target in self.targets if not _is_native(target["Arn"])]
        only_scheduled = self.scheduled_expression and not self.event_pattern.get_pattern()
        if self.state == "DISABLED" or only_scheduled or not self.event_pattern.matches_event(original_event):
            return
        if own:
            everything, self.targets = self.targets, own
            try:
                native(self, original_event, transform_input)
            finally:
                self.targets = everything
        if others:
            event = {name: value for name, value in original_event.items() if name != "ingestion-time"}
            moment = _moment(event.get("time"))
            event["time"] = f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else event.get("time")
            rules.send(_With(self, others), event)

    rule.__init__, rule.send_to_targets = begin_with, send_to_targets


class _With:
    """A rule with some of its targets."""

    def __init__(self, rule: Any, targets: list[dict[str, Any]]) -> None:
        self.name, self.arn, self.targets = rule.name, rule.arn, targets


def _is_native(arn: str) -> bool:
    """Whether moto itself serves the target: archives and API destinations."""
    service, resource = arn.split(":")[2], arn.split(":", 5)[5]
    return service == "events" and not resource.startswith("event-bus/")


def _attach(backend: Any, context: Context, holder: Schedules | Rules) -> None:
    start = backend.__init__

    def begin(self: Any, region_name: str, account_id: str) -> None:
        start(self, region_name, account_id)
        if (region_name, account_id) == (context.region, context.account):
            holder.attach(self)

    backend.__init__ = begin


def _moment(value: Any) -> datetime | None:
    if value in (None, ""):
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except ValueError:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00"))
