"""A DeploymentConfig as the service checks it: which capacity turns on when, how long it bakes, which alarms decide."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_ALARMS = 10
# Least and largest values of the service model.
_WAIT = (0, 3600)
_LIMIT = (600, 28_800)
# A step's share of a variant's instances, in percent: API reference of TrafficRoutingConfig and RollingUpdatePolicy.
_SHARES = {"CANARY": (0, 50), "LINEAR": (10, 50), "ROLLING": (5, 50)}
_SIZES = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize", "ROLLING": "MaximumBatchSize"}


class RefusedDeploymentError(Exception):
    """A DeploymentConfig that the service refuses with a ValidationException."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """How an update shifts traffic.

    Args:
        kind: ``ALL_AT_ONCE``, ``CANARY``, ``LINEAR`` or ``ROLLING``.
        step: instances of a variant that one step turns on, of its number of instances.
        bake: seconds that each step is watched.
        termination: seconds that the old fleet waits, watched, after the last step.
        limit: seconds the whole may take; None: no limit.
        alarms: names of the alarms that roll it back.
    """

    kind: str
    step: Callable[[int], int]
    bake: int
    termination: int
    limit: int | None
    alarms: tuple[str, ...]

    def active(self, number: int, total: int) -> int:
        """How many of a variant's instances of the new fleet have traffic after a number of steps."""
        if self.kind == "ALL_AT_ONCE" or (self.kind == "CANARY" and number > 1):
            return total
        return min(self.step(total) * number, total)

    def waits(self, number: int, totals: Mapping[str, int]) -> list[tuple[str, int]]:
        """The waits that follow a step: parameter and seconds.

        A canary's second step is the last; its wait is the termination's. Each linear step bakes, the last one too
        (Use linear traffic shifting: "5 minutes after the final baking period before terminating the blue fleet").
        """
        last = all(self.active(number, total) == total for total in totals.values())
        found = []
        if self.kind in ("LINEAR", "ROLLING") or not last:
            found.append(("WaitIntervalInSeconds", self.bake))
        if last and self.kind != "ROLLING":
            found.append(("TerminationWaitInSeconds", self.termination))
        return found

    def steps(self, totals: Mapping[str, int]) -> int:
        """How many steps bring all traffic to the new fleet."""
        number = 1
        while any(self.active(number, total) < total for total in totals.values()):
            number += 1
        return number


def read(config: Mapping[str, Any], totals: Mapping[str, int], known_alarm: Callable[[str], bool]) -> Deployment:
    """Check a DeploymentConfig against the fleet that it is to shift.

    Args:
        config: as UpdateEndpoint got it.
        totals: instances of each variant of the new fleet.
        known_alarm: whether an alarm of that name exists.

    Raises:
        RefusedDeploymentError: says what is wrong.
    """
    policy, rolling = config.get("BlueGreenUpdatePolicy"), config.get("RollingUpdatePolicy")
    if policy and rolling:
        raise RefusedDeploymentError(
            "Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy can be specified in DeploymentConfig."
        )
    if rolling:
        if len(totals) > 1:
            raise RefusedDeploymentError("RollingUpdatePolicy is not supported for endpoints with multiple variants.")
        kind, routing, path = "ROLLING", rolling, "deploymentConfig.rollingUpdatePolicy"
    else:
        routing = (policy or {}).get("TrafficRoutingConfiguration") or {}
        kind = routing.get("Type", "ALL_AT_ONCE")
        path = "deploymentConfig.blueGreenUpdatePolicy"
    if kind not in ("ALL_AT_ONCE", *_SIZES):
        raise RefusedDeploymentError(
            _constraint(kind, f"{path}.trafficRoutingConfiguration.type", "satisfy enum value set: "
                        "[ALL_AT_ONCE, CANARY, LINEAR]")
        )  # fmt: skip
    inner = path if rolling else f"{path}.trafficRoutingConfiguration"
    bake = _within(routing.get("WaitIntervalInSeconds", 0), *_WAIT, f"{inner}.waitIntervalInSeconds")
    outer = rolling or policy or {}
    termination = _within(outer.get("TerminationWaitInSeconds", 0), *_WAIT, f"{path}.terminationWaitInSeconds")
    limit = outer.get("MaximumExecutionTimeoutInSeconds")
    if limit is not None:
        _within(limit, *_LIMIT, f"{path}.maximumExecutionTimeoutInSeconds")
    for other, member in _SIZES.items():
        if other != kind and member in routing:
            raise RefusedDeploymentError(f"{member} cannot be specified when the traffic routing type is {kind}.")
    alarms = _alarms(config, known_alarm)
    step = _step(kind, routing, totals) if kind in _SIZES else (lambda total: total)
    found = Deployment(kind=kind, step=step, bake=bake, termination=termination, limit=limit, alarms=alarms)
    waiting = sum(seconds for number in range(found.steps(totals)) for _, seconds in found.waits(number + 1, totals))
    if limit is not None and limit <= waiting:
        raise RefusedDeploymentError(
            f"MaximumExecutionTimeoutInSeconds ({limit}) must be larger than the total waiting time of the deployment "
            f"({waiting} seconds)."
        )
    return found


def _step(kind: str, routing: Mapping[str, Any], totals: Mapping[str, int]) -> Callable[[int], int]:
    member = _SIZES[kind]
    size = routing.get(member)
    if not size:
        raise RefusedDeploymentError(f"{member} is required when the traffic routing type is {kind}.")
    value, least, most = int(size["Value"]), *_SHARES[kind]
    if value < 1:
        raise RefusedDeploymentError(_constraint(value, f"{member}.value", "have value greater than or equal to 1"))
    by_count = size["Type"] == "INSTANCE_COUNT"
    for variant, total in totals.items():
        percent = value / total * 100 if by_count else value
        if not least <= percent <= most:
            raise RefusedDeploymentError(
                f"{member} of {value} {'instance(s)' if by_count else 'percent'} is {percent:.0f}% of the {total} "
                f"instance(s) of variant {variant}; it must be {f'between {least}% and' if least else 'at most'} {most}%."
            )
    return (lambda total: value) if by_count else (lambda total: math.ceil(total * value / 100))


def _alarms(config: Mapping[str, Any], known: Callable[[str], bool]) -> tuple[str, ...]:
    names = [one.get("AlarmName", "") for one in (config.get("AutoRollbackConfiguration") or {}).get("Alarms") or ()]
    if len(names) > MOST_ALARMS:
        raise RefusedDeploymentError(
            _constraint(len(names), "deploymentConfig.autoRollbackConfiguration.alarms",
                        f"have length less than or equal to {MOST_ALARMS}")
        )  # fmt: skip
    if missing := [name for name in names if not known(name)]:
        raise RefusedDeploymentError(f"Could not find CloudWatch alarm(s): {', '.join(missing)}.")
    return tuple(names)


def _within(value: int, least: int, most: int, where: str) -> int:
    if value < least:
        raise RefusedDeploymentError(_constraint(value, where, f"have value greater than or equal to {least}"))
    if value > most:
        raise RefusedDeploymentError(_constraint(value, where, f"have value less than or equal to {most}"))
    return value


def _constraint(value: object, where: str, what: str) -> str:
    return f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: Member must {what}"
