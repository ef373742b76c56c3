"""SageMaker hosting: endpoints whose variants are worker processes, with metrics, logs and data capture."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import announcing, deployment, instances, logs, rollout
from labkit.rehearsal.runtime.artefact import ServingError
from labkit.rehearsal.runtime.capture import Recorder
from labkit.rehearsal.runtime.endpoint import Endpoint, Variant, container
from labkit.rehearsal.runtime.invocation import SERVING
from labkit.rehearsal.runtime.metrics import Metrics
from labkit.rehearsal.runtime.worker import Worker

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_DISK = 30e9
_DERIVED = (
    "an endpoint's DeployedImages digest is derived from the image name, DiskUtilization is the model's size over 30 GB, "
    "CPUUtilization is the CPU time of one worker process over the emulated time and the instance count"
)


class RefusedError(Exception):
    """A call that the service refuses with a ValidationException."""


class Hosting:
    """All endpoints of one account and region."""

    def __init__(self, context: Context, metrics: Metrics) -> None:
        self._context, self._metrics = context, metrics
        self._lock = threading.RLock()
        self._folders = itertools.count(1)
        self._measured_at: datetime | None = None
        self._alarm_state: Callable[[str], str | None] = lambda name: None
        self.endpoints: dict[str, Endpoint] = {}
        context.clock.subscribe(self.tick)
        context.on_shutdown(self.shutdown)

    def get(self, name: str) -> Endpoint:
        """The endpoint of that name."""
        if name not in self.endpoints:
            raise RefusedError(f'Could not find endpoint "{self.arn(name)}".')
        return self.endpoints[name]

    def arn(self, name: str) -> str:
        """The ARN of an endpoint."""
        here = self._context
        return f"arn:{here.partition}:sagemaker:{here.region}:{here.account}:endpoint/{name}"

    def create(
        self, name: str, config: Mapping[str, Any], models: Mapping[str, dict[str, Any]], tags: list[dict[str, str]]
    ) -> Endpoint:
        """Start an endpoint; it is ``InService`` or ``Failed`` before emulated time goes on."""
        with self._lock:
            if name in self.endpoints:
                raise RefusedError(f'Cannot create already existing endpoint "{self.arn(name)}".')
            now = self._context.clock.now()
            endpoint = Endpoint(name, self.arn(name), config["EndpointConfigName"], tags, now, now)
            endpoint.variants = self._variants(name, config, models)
            self._set_capture(endpoint, config.get("DataCaptureConfig") or {})
            self.endpoints[name] = endpoint
        self._context.ledger.note(_DERIVED, about="sagemaker")
        self._in_background(lambda: self._bring_up(endpoint))
        return endpoint

    def update(
        self,
        name: str,
        config: Mapping[str, Any],
        models: Mapping[str, dict[str, Any]],
        *,
        retain: bool,
        exclude: frozenset[str],
        guardrails: dict[str, Any] | None,
    ) -> Endpoint:
        """Bring up a new fleet beside the old one; the old one serves until it is replaced, or on if that fails.

        With guardrails (a DeploymentConfig) traffic shifts as they say, at ticks of the clock; without, at once.
        """
        endpoint = self._idle(name)
        fresh = self._variants(name, config, models)
        if retain:
            for variant in fresh.values():
                if old := endpoint.variants.get(variant.name):
                    if "DesiredInstanceCount" not in exclude:
                        variant.instances = variant.desired = old.desired
                    if "DesiredWeight" not in exclude:
                        variant.weight = variant.desired_weight = old.desired_weight
        capture = config.get("DataCaptureConfig") or {}
        if retain and "DataCaptureConfig" not in exclude and endpoint.capture:
            capture = endpoint.capture
        began = None
        if guardrails and not self._excluded(endpoint, fresh):
            began = self._rollout(endpoint, fresh, str(config["EndpointConfigName"]), capture, guardrails)
        endpoint.deployment, endpoint.rollout = guardrails or endpoint.deployment, began
        self._enter(endpoint, "Updating")
        if began:
            self._in_background(lambda: self._begin(endpoint, began))
        else:
            self._in_background(lambda: self._switch(endpoint, fresh, str(config["EndpointConfigName"]), capture))
        return endpoint

    def guard(self, alarm_state: Callable[[str], str | None]) -> None:
        """Let alarms decide on deployments; called when the alarms' own ticks are subscribed, so that they come first.

        Args:
            alarm_state: the state of an alarm by name; None: there is no such alarm.
        """
        self._alarm_state = alarm_state
        self._context.clock.subscribe(self._advance)

    def resize(self, name: str, variants: Mapping[str, Mapping[str, Any]]) -> Endpoint:
        """Set desired weights and instance counts; they are current at the next tick."""
        endpoint = self._idle(name)
        for variant_name, wish in variants.items():
            if variant_name not in endpoint.variants:
                raise RefusedError(
                    f'The variant name(s) "{variant_name}" is/are not present within endpoint configuration '
                    f'"{endpoint.endpoint_config_name}".'
                )
            variant = endpoint.variants[variant_name]
            variant.desired = int(wish.get("DesiredInstanceCount", variant.desired))
            variant.desired_weight = float(wish.get("DesiredWeight", variant.desired_weight))
        endpoint.settles = True
        self._enter(endpoint, "Updating")
        return endpoint

    def delete(self, name: str) -> None:
        """Write what was captured, end the workers and forget the endpoint."""
        endpoint = self.get(name)
        with self._lock:
            del self.endpoints[name]
        self._close(endpoint.fleets, endpoint.recorder)

    def tick(self, now: datetime) -> None:
        """Finish resizing, write captured data, measure the workers."""
        elapsed = (now - self._measured_at).total_seconds() if self._measured_at else 60.0
        self._measured_at = now
        for endpoint in list(self.endpoints.values()):
            if endpoint.settles:
                for variant in endpoint.variants.values():
                    variant.instances, variant.weight = variant.desired, variant.desired_weight
                endpoint.settles = False
                self._enter(endpoint, "InService")
            if endpoint.recorder:
                endpoint.recorder.flush()
            if endpoint.endpoint_status in SERVING:
                for variant in endpoint.fleets:
                    self._measure(endpoint, variant, max(elapsed, 1.0), now - timedelta(seconds=min(elapsed, 60.0)))

    def shutdown(self) -> None:
        """End every worker."""
        for name in list(self.endpoints):
            self.delete(name)

    def _idle(self, name: str) -> Endpoint:
        endpoint = self.get(name)
        if endpoint.endpoint_status not in ("InService", "Failed"):
            raise RefusedError(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        return endpoint

    def _variants(
        self, name: str, config: Mapping[str, Any], models: Mapping[str, dict[str, Any]]
    ) -> dict[str, Variant]:
        found = {}
        for settings in config["ProductionVariants"]:
            if settings.get("ModelName") not in models:
                raise RefusedError(f'Could not find model "{settings.get("ModelName")}".')
            model = models[settings["ModelName"]]
            count = int(settings.get("InitialInstanceCount", 1))
            weight = float(settings.get("InitialVariantWeight", 1.0))
            variant = settings["VariantName"]
            worker = Worker(
                self._context,
                container=container(model),
                isolated=bool(model.get("EnableNetworkIsolation") or config.get("EnableNetworkIsolation")),
                memory=instances.size(settings.get("InstanceType", "ml.m5.large")).memory,
                folder=self._context.workdir / "endpoints" / f"{next(self._folders):04d}",
                write=partial(self._log, name, variant, str(config["EndpointConfigName"])),
            )
            found[variant] = Variant(
                str(config["EndpointConfigName"]), settings, model, weight, weight, count, count, worker
            )
        return found

    def _set_capture(self, endpoint: Endpoint, config: dict[str, Any]) -> None:
        endpoint.capture = config
        endpoint.recorder = Recorder(self._context, endpoint.endpoint_name, config) if config else None

    def _in_background(self, work: Callable[[], None]) -> None:
        """Run ``work`` in a thread; emulated time stands still until it is done."""
        busy = contextlib.ExitStack()
        busy.enter_context(self._context.clock.working())

        def run() -> None:
            with busy:
                work()

        threading.Thread(target=run, daemon=True).start()

    def _bring_up(self, endpoint: Endpoint) -> None:
        try:
            self._start(endpoint.variants)
        except ServingError as error:
            endpoint.failure_reason = str(error)
            self._enter(endpoint, "Failed")
            self._close(endpoint.variants.values(), None)
            return
        if self.endpoints.get(endpoint.endpoint_name) is not endpoint:
            self._close(endpoint.variants.values(), None)  # deleted meanwhile
            return
        self._mark_in_service(endpoint)

    def _switch(self, endpoint: Endpoint, fresh: dict[str, Variant], config: str, capture: dict[str, Any]) -> None:
        try:
            self._start(fresh)
        except ServingError as error:
            self._close(fresh.values(), None)
            endpoint.failure_reason = str(error)
            self._enter(endpoint, "InService")
            return
        self._replace(endpoint, fresh, config, capture)

    def _replace(self, endpoint: Endpoint, fresh: dict[str, Variant], config: str, capture: dict[str, Any]) -> None:
        """Have the new fleet serve alone, and end the old one."""
        with endpoint.lock:
            old, recorder = endpoint.variants, endpoint.recorder
            endpoint.variants, endpoint.endpoint_config_name, endpoint.failure_reason = fresh, config, None
            endpoint.rollout = None
            self._set_capture(endpoint, capture)
        self._close(old.values(), recorder)
        self._mark_in_service(endpoint)

    def _excluded(self, endpoint: Endpoint, fresh: Mapping[str, Variant]) -> bool:
        """Whether the fleet falls back to all at once without baking (Exclusions of deployment guardrails)."""
        excluded = any(str(one.settings.get("InstanceType", "")).startswith("ml.inf1.") for one in fresh.values())
        if excluded:
            self._context.ledger.note(
                "traffic is switched at once: deployment guardrails exclude Inf1 instances",
                about=endpoint.endpoint_name,
            )
        return excluded

    def _rollout(
        self,
        endpoint: Endpoint,
        fresh: dict[str, Variant],
        config: str,
        capture: dict[str, Any],
        guardrails: dict[str, Any],
    ) -> rollout.Rollout:
        if fresh.keys() != endpoint.variants.keys():
            raise RefusedError(
                f"The variants of endpoint configuration {config} ({', '.join(sorted(fresh))}) must have the same names as "
                f"those of {endpoint.endpoint_config_name} ({', '.join(sorted(endpoint.variants))}) to use a DeploymentConfig."
            )
        totals = {variant.name: variant.instances for variant in fresh.values()}
        try:
            plan = deployment.read(guardrails, totals, lambda name: self._alarm_state(name) is not None)
        except deployment.RefusedDeploymentError as error:
            raise RefusedError(str(error)) from error
        self._context.ledger.note(rollout.NOT_KNOWN, about=endpoint.endpoint_name)
        if "RollbackMaximumBatchSize" in (guardrails.get("RollingUpdatePolicy") or {}):
            self._context.ledger.note(rollout.ROLLED_BACK_AT_ONCE, about=endpoint.endpoint_name)
        return rollout.Rollout(fresh, config, capture, plan, self._context.clock.now())

    def _begin(self, endpoint: Endpoint, begun: rollout.Rollout) -> None:
        """Start the new fleet and give it its first traffic."""
        try:
            self._start(begun.fleet)
        except ServingError as error:
            self._end_rollout(endpoint, begun, str(error))
            return
        with endpoint.lock:
            begun.shift(self._context.clock.now())
        self._tell(endpoint, "SageMaker Endpoint Deployment State Change")

    def _advance(self, now: datetime) -> None:
        """Carry deployments on: roll back what an alarm ends, shift what has baked."""
        for endpoint in list(self.endpoints.values()):
            begun = endpoint.rollout
            if begun is None or not begun.number:
                continue
            if endpoint.endpoint_status == "RollingBack":
                self._end_rollout(
                    endpoint,
                    begun,
                    f"The update to endpoint configuration {begun.config} was rolled back to "
                    f"{endpoint.endpoint_config_name}: {begun.reason}.",
                )
                continue
            with endpoint.lock:
                happened = list(begun.advance(now, lambda name: self._alarm_state(name) == "ALARM"))
                if begun.deployment.kind == "ROLLING" and not begun.reason:
                    for variant in endpoint.variants.values():
                        variant.instances = max(variant.desired - begun.active(variant.name), 0)
                elif begun.reason:
                    for variant in endpoint.variants.values():
                        variant.instances = variant.desired
            for _ in happened:
                self._tell(endpoint, "SageMaker Endpoint Deployment State Change")
            if "RollingBack" in happened:
                self._enter(endpoint, "RollingBack")
            elif "Deleting" in happened:
                self._replace(endpoint, begun.fleet, begun.config, begun.capture)

    def _end_rollout(self, endpoint: Endpoint, begun: rollout.Rollout, reason: str) -> None:
        """Go on with the old fleet alone."""
        with endpoint.lock:
            endpoint.rollout, endpoint.failure_reason = None, reason
        self._close(begun.fleet.values(), None)
        self._enter(endpoint, "InService")

    def _start(self, variants: Mapping[str, Variant]) -> None:
        for variant in variants.values():
            try:
                variant.worker.start()
            except ServingError as error:
                raise ServingError(str(error).replace("{variant}", variant.name)) from error

    def _mark_in_service(self, endpoint: Endpoint) -> None:
        self._enter(endpoint, "InService")
        for variant in endpoint.variants.values():
            if variant.worker.isolation:
                self._context.ledger.note(
                    f"network isolation of variant {variant.name}: {variant.worker.isolation}",
                    about=endpoint.endpoint_name,
                )

    def _close(self, variants: Iterable[Variant], recorder: Recorder | None) -> None:
        if recorder:
            recorder.flush()
        for variant in variants:
            variant.worker.stop()

    def _enter(self, endpoint: Endpoint, status: str) -> None:
        """Enter a status, and tell it."""
        endpoint.endpoint_status = status
        endpoint.last_modified_time = self._context.clock.now()
        self._tell(endpoint, "SageMaker Endpoint State Change")

    def _tell(self, endpoint: Endpoint, kind: str) -> None:
        """Put an event on the bus (Events that SageMaker AI sends to EventBridge)."""
        announcing.announce(self._context, "aws.sagemaker", kind, endpoint.event, [endpoint.arn])

    def _log(self, endpoint: str, variant: str, config: str, lines: list[str]) -> None:
        instance = "i-" + hashlib.sha256(f"{endpoint}/{variant}/{config}".encode()).hexdigest()[:17]
        logs.write(self._context, f"/aws/sagemaker/Endpoints/{endpoint}", f"{variant}/{instance}", lines)

    def _measure(self, endpoint: Endpoint, variant: Variant, elapsed: float, when: datetime) -> None:
        """CPU seconds per emulated second, resident memory and model files, spread over the instances."""
        size = instances.size(variant.settings.get("InstanceType", "ml.m5.large"))
        used = variant.worker.cpu_seconds - variant.measured_cpu
        variant.measured_cpu = variant.worker.cpu_seconds
        where = {"EndpointName": endpoint.endpoint_name, "VariantName": variant.name}
        count = max(variant.instances, 1)
        # A variant without traffic is said to have zero invocations, so that it can be scaled in.
        for name in ("Invocations", "InvocationsPerInstance"):
            if not self._metrics.has("AWS/SageMaker", name, where, when):
                self._metrics.put("AWS/SageMaker", name, where, 0.0, time=when)
        for name, share in (
            ("CPUUtilization", used / elapsed / count * 100),
            ("MemoryUtilization", variant.worker.resident / size.memory * 100),
            ("DiskUtilization", variant.worker.disk_bytes / _DISK * 100),
        ):
            self._metrics.put("/aws/sagemaker/Endpoints", name, where, share, count=count, unit="Percent", time=when)
