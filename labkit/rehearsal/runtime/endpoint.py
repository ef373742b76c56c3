"""One hosted endpoint: its variants, its status, and what DescribeEndpoint says of it."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from labkit.rehearsal.runtime.capture import Recorder
from labkit.rehearsal.runtime.rollout import Rollout
from labkit.rehearsal.runtime.worker import Worker


@dataclass
class Variant:
    """One production variant.

    Args:
        settings: the production variant of the endpoint configuration.
        model: the description of its model.
        config: name of the endpoint configuration it is of, which tells two fleets apart.
    """

    config: str
    settings: dict[str, Any]
    model: dict[str, Any]
    weight: float
    desired_weight: float
    instances: int
    desired: int
    worker: Worker
    measured_cpu: float = 0.0

    @property
    def name(self) -> str:
        """VariantName."""
        return str(self.settings["VariantName"])

    @property
    def image(self) -> str:
        """The image of its container."""
        return str(container(self.model).get("Image", ""))

    def summary(self, resolved: datetime) -> dict[str, Any]:
        """ProductionVariantSummary; the digest is derived from the image name, for no registry is asked."""
        repository, _, _ = self.image.partition("@")[0].rpartition(":")
        digest = hashlib.sha256(self.image.encode()).hexdigest()
        return {
            "VariantName": self.name,
            "DeployedImages": [
                {
                    "SpecifiedImage": self.image,
                    "ResolvedImage": f"{repository or self.image}@sha256:{digest}",
                    "ResolutionTime": resolved,
                }
            ],
            "CurrentWeight": self.weight,
            "DesiredWeight": self.desired_weight,
            "CurrentInstanceCount": self.instances,
            "DesiredInstanceCount": self.desired,
        }


@dataclass
class Endpoint:
    """An endpoint, with the attributes that moto's own code reads (tags, lists, ARNs)."""

    endpoint_name: str
    arn: str
    endpoint_config_name: str
    tags: list[dict[str, str]]
    creation_time: datetime
    last_modified_time: datetime
    endpoint_status: str = "Creating"
    failure_reason: str | None = None
    variants: dict[str, Variant] = field(default_factory=dict)
    capture: dict[str, Any] = field(default_factory=dict)
    recorder: Recorder | None = None
    deployment: dict[str, Any] | None = None
    rollout: Rollout | None = None
    settles: bool = False
    invocations: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def summary(self) -> dict[str, Any]:
        """EndpointSummary."""
        return {
            "EndpointName": self.endpoint_name,
            "EndpointArn": self.arn,
            "CreationTime": self.creation_time,
            "LastModifiedTime": self.last_modified_time,
            "EndpointStatus": self.endpoint_status,
        }

    @property
    def response_object(self) -> dict[str, Any]:
        """What DescribeEndpoint answers; a part that is not set is absent."""
        answer = {**self.summary(), "EndpointConfigName": self.endpoint_config_name}
        if self.variants:
            answer["ProductionVariants"] = [each.summary(self.creation_time) for each in self.variants.values()]
        if self.capture:
            enabled = bool(self.capture.get("EnableCapture", False))
            answer["DataCaptureConfig"] = {
                "EnableCapture": enabled,
                "CaptureStatus": "Started" if enabled and self.endpoint_status != "Creating" else "Stopped",
                "CurrentSamplingPercentage": self.capture["InitialSamplingPercentage"],
                "DestinationS3Uri": self.capture["DestinationS3Uri"],
                "KmsKeyId": self.capture.get("KmsKeyId", ""),
            }
        if self.failure_reason:
            answer["FailureReason"] = self.failure_reason
        if self.deployment:
            answer["LastDeploymentConfig"] = self.deployment
        if self.rollout:
            answer["PendingDeploymentSummary"] = self.rollout.summary()
        return answer

    @property
    def event(self) -> dict[str, Any]:
        """The detail of its events on the bus: the description with times in milliseconds and statuses in capitals."""
        described = _in_milliseconds(self.response_object)
        status = re.sub("(?<=[a-z])(?=[A-Z])", "_", self.endpoint_status).upper()
        tags = {tag["Key"]: tag["Value"] for tag in self.tags}
        return {**described, "EndpointStatus": status, "Tags": tags}

    @property
    def fleets(self) -> list[Variant]:
        """Every variant that lives: of the fleet in production, and of the one that comes."""
        return [*self.variants.values(), *(self.rollout.fleet.values() if self.rollout else ())]

    def choose(self, target: str | None) -> Variant | None:
        """The variant that serves the next request: the one asked for, or one by weight, the same in every run.

        During a deployment it is of the new fleet in proportion to the capacity that has traffic.
        """
        with self.lock:
            self.invocations += 1
            variant = self.variants.get(target) if target is not None else self._by_weight()
            if variant is not None and self.rollout and self.rollout.takes(variant.name, self.invocations):
                return self.rollout.fleet[variant.name]
            return variant

    def _by_weight(self) -> Variant | None:
        total = sum(variant.weight for variant in self.variants.values())
        digest = hashlib.sha256(f"{self.endpoint_name}:{self.invocations}".encode()).digest()
        left = int.from_bytes(digest[:8], "big") / (1 << 64) * total
        for variant in self.variants.values():
            left -= variant.weight
            if left < 0:
                return variant
        return next(iter(self.variants.values()), None)


def container(model: Mapping[str, Any]) -> dict[str, Any]:
    """The container definition that serves: the primary one, or the only one of a list."""
    primary: dict[str, Any] = model.get("PrimaryContainer") or next(iter(model.get("Containers") or ()), {})
    return primary


def _in_milliseconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_milliseconds(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_milliseconds(item) for item in value]
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value
