"""Application Auto Scaling of endpoint variants: policies and schedules act on the emulated clock."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import instances, scaling_policy
from labkit.rehearsal.runtime.alarms import Alarms
from labkit.rehearsal.runtime.endpoint import Endpoint, Variant
from labkit.rehearsal.runtime.hosting import Hosting, RefusedError
from labkit.rehearsal.runtime.metrics import floor
from labkit.rehearsal.runtime.scaling_policy import Wish
from labkit.rehearsal.runtime.timetable import ScheduleError, Timetable

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_DEFAULTS = ("ScaleOutCooldown", "ScaleInCooldown")
_ARITHMETIC = (
    "scale-out goes to the capacity that the newest data point asks for, scale-in to the one that the highest of the "
    "low alarm's fifteen data points asks for; AWS does not publish its own arithmetic"
)


@dataclass
class Memory:
    """What has to be remembered of one scalable target."""

    activities: list[dict[str, Any]] = field(default_factory=list)
    out_at: datetime | None = None
    out_base: int = 0
    in_at: datetime | None = None


class Scaling:
    """The scalable targets of one account and region."""

    def __init__(self, context: Context, hosting: Hosting, alarms: Alarms) -> None:
        self._context, self._hosting, self._alarms = context, hosting, alarms
        self._memory: dict[str, Memory] = {}
        self._last = context.clock.now()
        self._minute: datetime | None = None
        self._backend: Any = None
        context.clock.subscribe(self.tick)

    def attach(self, backend: Any) -> None:
        """Take targets, policies and schedules from moto's backend of this account and region."""
        self._backend = backend

    def check(self, resource: str) -> None:
        """Whether a variant can be scaled.

        Raises:
            RefusedError: no such endpoint or variant, or its instances are burstable.
        """
        endpoint, variant = self._find(resource)
        kind = variant.settings.get("InstanceType", "")
        if instances.burstable(kind):
            raise RefusedError(
                f"Autoscaling is not supported for variant {variant.name} of endpoint {endpoint.endpoint_name}: "
                f"its instance type {kind} is burstable."
            )

    def forget(self, resource: str) -> None:
        """A target was deregistered: its policies with their alarms and its schedules go with it."""
        for key, policy in list(self._backend.policies.items()):
            if policy.resource_id == resource:
                policy.delete_alarms(policy.account_id, policy.region_name)
                del self._backend.policies[key]
        self._backend.scheduled_actions[:] = [
            action for action in self._backend.scheduled_actions if action.resource_id != resource
        ]

    def activities(self, resource: str | None) -> list[dict[str, Any]]:
        """Scaling activities, newest first."""
        chosen = [memory for key, memory in self._memory.items() if resource in (None, key)]
        return sorted((each for memory in chosen for each in memory.activities), key=_started, reverse=True)

    def tick(self, now: datetime) -> None:
        """Run schedules that fell due, then evaluate every policy once per minute."""
        after, self._last = self._last, now
        if self._backend is None:
            return
        minute = floor(now, 60)
        evaluate, self._minute = minute != self._minute, minute
        for target in list(self._backend.targets.get(DIMENSION, {}).values()):
            memory = self._memory.setdefault(target.resource_id, Memory())
            try:
                endpoint, variant = self._find(target.resource_id)
            except RefusedError:
                continue
            if endpoint.endpoint_status != "InService":
                continue
            for activity in memory.activities:
                if activity["StatusCode"] == "InProgress":
                    count = variant.instances
                    activity["StatusCode"], activity["EndTime"] = "Successful", now.timestamp()
                    activity["StatusMessage"] = (
                        f"Successfully set desired instance count to {count}. "
                        "Change successfully fulfilled by sagemaker."
                    )
            self._run_schedules(target, after, now)
            if self._keep_bounds(target, variant, memory, now) or not evaluate:
                continue
            self._follow_policies(target, variant, memory, now)

    def _find(self, resource: str) -> tuple[Endpoint, Variant]:
        parts = resource.split("/")
        if len(parts) != 4 or parts[0] != "endpoint" or parts[2] != "variant":
            raise RefusedError(f"The resource ID {resource} is invalid; endpoint/<name>/variant/<variant> is expected.")
        endpoint = self._hosting.get(parts[1])
        if parts[3] not in endpoint.variants:
            raise RefusedError(f"Could not find variant {parts[3]} of endpoint {endpoint.arn}.")
        return endpoint, endpoint.variants[parts[3]]

    def _run_schedules(self, target: Any, after: datetime, now: datetime) -> None:
        if _suspended(target, "ScheduledScalingSuspended"):
            return
        for action in self._backend.scheduled_actions:
            if action.resource_id != target.resource_id:
                continue
            since = datetime.fromtimestamp(action.created, UTC)
            timetable = Timetable(action.schedule, action.timezone or "UTC", since)
            try:
                due = timetable.due(after, now)
            except ScheduleError as problem:
                self._context.ledger.note(f"schedule not understood: {problem}", about=action.scheduled_action_name)
                continue
            if any(_within(action, moment) for moment in due):
                wished = action.scalable_target_action or {}
                target.update(wished.get("MinCapacity"), wished.get("MaxCapacity"), None)
                target.cause = f"scheduled action name {action.scheduled_action_name} was triggered"

    def _keep_bounds(self, target: Any, variant: Variant, memory: Memory, now: datetime) -> bool:
        """Bring the variant inside its bounds; whether that was needed."""
        lowest, highest = int(target.min_capacity), int(target.max_capacity)
        bounded = min(max(variant.desired, lowest), highest)
        cause, target.cause = getattr(target, "cause", ""), ""
        if bounded == variant.desired:
            return False
        if not cause:
            cause = (
                f"minimum capacity was set to {lowest}"
                if bounded == lowest
                else f"maximum capacity was set to {highest}"
            )
        self._set(target.resource_id, variant, bounded, cause, memory, now)
        return True

    def _follow_policies(self, target: Any, variant: Variant, memory: Memory, now: datetime) -> None:
        policies = [each for each in self._backend.policies.values() if each.resource_id == target.resource_id]
        outward: list[tuple[Wish, int]] = []
        inward: list[tuple[Wish, int]] = []
        unwilling = False
        for policy in policies:
            follow = self._track if policy.policy_type == "TargetTrackingScaling" else self._step
            wish, cooldown, agrees = follow(policy, variant, memory, now)
            unwilling |= not agrees
            if wish is not None:
                (outward if wish.capacity > variant.desired else inward).append((wish, cooldown))
        if outward and not _suspended(target, "DynamicScalingOutSuspended"):
            wish, cooldown = max(outward, key=lambda each: each[0].capacity)
            capacity = min(wish.capacity, int(target.max_capacity))
            if capacity > variant.desired:
                if not _cooling(memory.out_at, cooldown, now):
                    memory.out_base = variant.desired
                memory.out_at = now
                self._set(target.resource_id, variant, capacity, _cause(wish), memory, now)
            return
        if not inward or outward or unwilling or _suspended(target, "DynamicScalingInSuspended"):
            return
        wish, cooldown = max(inward, key=lambda each: each[0].capacity)
        capacity = max(wish.capacity, int(target.min_capacity))
        if capacity < variant.desired and not _cooling(memory.in_at, cooldown, now):
            memory.in_at = now
            self._set(target.resource_id, variant, capacity, _cause(wish), memory, now)

    def _track(self, policy: Any, variant: Variant, memory: Memory, now: datetime) -> tuple[Wish | None, int, bool]:
        """What a target tracking policy wishes, its cooldown, and whether it agrees to fewer instances."""
        config = policy.target_tracking_scaling_policy_configuration
        out_cooldown, in_cooldown = (int(config.get(name, scaling_policy.DEFAULT_COOLDOWN)) for name in _DEFAULTS)
        target, low = float(config["TargetValue"]), bool(config.get("DisableScaleIn"))
        for listed in policy.alarms:
            alarm = self._alarms.get(listed.name)
            if alarm is None or alarm.state_value != "ALARM":
                continue
            values = list(self._alarms.points(alarm, floor(now, 60), periods=int(alarm.evaluation_periods)).values())
            if not values:
                continue
            if "-AlarmHigh-" in alarm.name:
                base = memory.out_base if _cooling(memory.out_at, out_cooldown, now) else variant.instances
                capacity = scaling_policy.tracked(base, values[-1], target)
                if capacity > variant.desired:
                    return Wish(capacity, alarm.name, policy.policy_name), out_cooldown, False
                return None, out_cooldown, False
            capacity = scaling_policy.tracked(variant.instances, max(values), target)
            if capacity < variant.desired:
                return Wish(capacity, alarm.name, policy.policy_name), in_cooldown, True
            low = False
        return None, out_cooldown, low

    def _step(self, policy: Any, variant: Variant, memory: Memory, now: datetime) -> tuple[Wish | None, int, bool]:
        """What a step scaling policy wishes while an alarm that calls it is in ALARM."""
        config = policy.step_scaling_policy_configuration
        cooldown = int(config.get("Cooldown", scaling_policy.DEFAULT_COOLDOWN))
        for alarm in self._alarms.all():
            if (
                alarm.state_value != "ALARM"
                or not alarm.actions_enabled
                or policy.policy_arn not in alarm.alarm_actions
            ):
                continue
            values = list(
                self._alarms.points(alarm, floor(now, 60), periods=int(alarm.evaluation_periods) + 2).values()
            )
            if not values:
                continue
            # While it cools down, only what exceeds the step already taken is added.
            base = memory.out_base if _cooling(memory.out_at, cooldown, now) else variant.instances
            capacity = scaling_policy.stepped(base, values[-1] - float(alarm.threshold), config)
            if capacity != variant.desired and (
                capacity > variant.desired or not _cooling(memory.out_at, cooldown, now)
            ):
                return Wish(capacity, alarm.name, policy.policy_name), cooldown, True
        return None, cooldown, True

    def _set(self, resource: str, variant: Variant, capacity: int, cause: str, memory: Memory, now: datetime) -> None:
        _, endpoint, _, _ = resource.split("/")
        activity = {
            "ActivityId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{resource}/{len(memory.activities)}")),
            "ServiceNamespace": "sagemaker",
            "ResourceId": resource,
            "ScalableDimension": DIMENSION,
            "Description": f"Setting desired instance count to {capacity}.",
            "Cause": cause,
            "StartTime": now.timestamp(),
            "StatusCode": "InProgress",
            "StatusMessage": f"Successfully set desired instance count to {capacity}. "
            "Waiting for change to be fulfilled by sagemaker.",
        }
        memory.activities.append(activity)
        self._context.ledger.note(_ARITHMETIC, about="application-autoscaling")
        self._hosting.resize(endpoint, {variant.name: {"DesiredInstanceCount": capacity}})


def _cause(wish: Wish) -> str:
    return f"monitor alarm {wish.alarm} in state ALARM triggered policy {wish.policy}"


def _cooling(since: datetime | None, seconds: int, now: datetime) -> bool:
    return since is not None and now < since + timedelta(seconds=seconds)


def _suspended(target: Any, what: str) -> bool:
    return bool((target.suspended_state or {}).get(what))


def _within(action: Any, moment: datetime) -> bool:
    start, end = (
        datetime.fromtimestamp(value, UTC) if value else None for value in (action.start_time, action.end_time)
    )
    return (start is None or moment >= start) and (end is None or moment <= end)


def _started(activity: dict[str, Any]) -> float:
    return float(activity["StartTime"])
