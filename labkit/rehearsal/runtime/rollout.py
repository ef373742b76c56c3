"""One update under guardrails: two fleets live, traffic goes to both by active capacity, an alarm ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.deployment import Deployment

if TYPE_CHECKING:
    from labkit.rehearsal.runtime.endpoint import Variant

NOT_KNOWN = (
    "deployment guardrails: AWS does not document how a percentage of capacity is rounded to instances (here: up), how "
    "long turning traffic on or back takes (here: until the next tick of the clock), what an alarm does that is in ALARM "
    "before the update (here: rolls it back at the first look), nor the wording of messages and of FailureReason; fleets "
    "come up without emulated time; one process stands for all instances of a fleet"
)
# Multiples of the golden ratio fill the unit interval more evenly than random numbers, and never in a rhythm.
_GOLDEN = (5**0.5 - 1) / 2
ROLLED_BACK_AT_ONCE = "RollbackMaximumBatchSize is stored only: all traffic goes back in one step"


@dataclass
class Rollout:
    """The new fleet of an endpoint, how much of it has traffic, and what is waited for.

    Args:
        fleet: the variants that come.
        config: the endpoint configuration that they are of.
        capture: its DataCaptureConfig.
        began: when the update was asked for.
    """

    fleet: dict[str, Variant]
    config: str
    capture: dict[str, Any]
    deployment: Deployment
    began: datetime
    status: str = "Creating"
    message: str = ""
    since: datetime = field(init=False)
    number: int = 0
    reason: str = ""

    def __post_init__(self) -> None:
        self.since = self.began
        self._totals = {name: variant.instances for name, variant in self.fleet.items()}
        self._waits: list[tuple[str, int]] = []
        self._ends = self.began
        self.message = f"Launching {sum(self._totals.values())} instance(s)."

    def active(self, variant: str) -> int:
        """Instances of the new fleet that have traffic."""
        return 0 if self.reason or not self.number else self.deployment.active(self.number, self._totals[variant])

    def takes(self, variant: str, number: int) -> bool:
        """Whether a request goes to the new fleet: evenly spread, and the same in every run.

        Args:
            number: of the request, counted from 1.
        """
        return number * _GOLDEN % 1 < self.active(variant) / self._totals[variant]

    def shift(self, now: datetime) -> None:
        """Turn traffic on for the next step, and begin its waits."""
        self.number += 1
        self._enter(now, "ActivatingTraffic", f"Activating traffic on {self._capacity()}.")
        self._waits = self.deployment.waits(self.number, self._totals)

    def bake(self, now: datetime) -> None:
        """Begin the next wait."""
        name, seconds = self._waits.pop(0)
        self._ends = now + timedelta(seconds=seconds)
        self._enter(now, "Baking", f"Baking for {seconds} seconds ({name}) with traffic enabled on {self._capacity()}.")

    def advance(self, now: datetime, in_alarm: Callable[[str], bool]) -> Iterable[str]:
        """Do what is due, alarms first; yields the status after each change.

        ``Deleting`` is the end of the old fleet, ``RollingBack`` that of the new one.
        """
        while True:
            if tripped := [name for name in self.deployment.alarms if in_alarm(name)]:
                plural = "s" if len(tripped) > 1 else ""
                self.reason = f"CloudWatch alarm{plural} {', '.join(tripped)} in state ALARM"
            elif self.deployment.limit is not None and now - self.began >= timedelta(seconds=self.deployment.limit):
                self.reason = f"the deployment took longer than {self.deployment.limit} seconds"
            if self.reason:
                self._enter(now, "Deleting", f"Terminating {sum(self._totals.values())} instance(s).")
                yield "RollingBack"
                return
            if self.status == "Baking" and now < self._ends:
                return
            if self._waits:
                self.bake(now)
            elif self.complete:
                self._enter(now, "Deleting", "Terminating the old fleet.")
                yield "Deleting"
                return
            else:
                self.shift(now)
            yield self.status

    @property
    def complete(self) -> bool:
        """Whether all traffic is on the new fleet."""
        return all(self.active(name) == total for name, total in self._totals.items())

    def summary(self) -> dict[str, Any]:
        """PendingDeploymentSummary."""
        variants = []
        for name, variant in self.fleet.items():
            described = variant.summary(self.began)
            status = {"Status": self.status, "StatusMessage": self.message, "StartTime": self.since}
            variants.append(
                {
                    **described,
                    "CurrentInstanceCount": self.active(name),
                    "InstanceType": variant.settings.get("InstanceType", "ml.m5.large"),
                    "VariantStatus": [status],
                }
            )
        return {"EndpointConfigName": self.config, "StartTime": self.began, "ProductionVariants": variants}

    def _capacity(self) -> str:
        count = sum(self.active(name) for name in self.fleet)
        if self.complete:
            return f"full capacity of {count} instance(s)"
        return f"{'canary ' if self.deployment.kind == 'CANARY' else ''}capacity of {count} instance(s)"

    def _enter(self, now: datetime, status: str, message: str) -> None:
        self.status, self.message, self.since = status, message, now
