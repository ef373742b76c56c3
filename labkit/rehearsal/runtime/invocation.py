"""InvokeEndpoint: one request through a variant's container, answered, measured and captured."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labkit.rehearsal.runtime.capture import Message
from labkit.rehearsal.runtime.endpoint import Endpoint, Variant
from labkit.rehearsal.runtime.worker import Answer

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context
    from labkit.rehearsal.runtime.hosting import Hosting
    from labkit.rehearsal.runtime.metrics import Metrics

# BodyBlob of InvokeEndpoint: at most 6,291,456 bytes (service model of SageMaker Runtime).
MOST_BYTES = 6_291_456
SERVING = ("InService", "Updating", "RollingBack")


@dataclass(frozen=True)
class Request:
    """What a caller sends."""

    endpoint: str
    body: bytes
    content_type: str | None = None
    accept: str | None = None
    target_variant: str | None = None
    inference_id: str | None = None
    attributes: str | None = None


@dataclass(frozen=True)
class Reply:
    """A good answer."""

    body: bytes
    content_type: str
    variant: str
    headers: dict[str, str] = field(default_factory=dict)


class InvalidError(Exception):
    """Refused before any container saw it (ValidationError, 400)."""


@dataclass
class ModelError(Exception):
    """The container answered, but not with 2xx (ModelError, 424)."""

    message: str
    status: int
    original: str
    log_arn: str


def invoke(context: Context, hosting: Hosting, metrics: Metrics, request: Request) -> Reply:
    """Answer one request.

    Raises:
        InvalidError: no such endpoint or variant, or the body is too large.
        ModelError: the container answered with an error, in time or not at all.
    """
    begun = time.perf_counter()
    endpoint = hosting.endpoints.get(request.endpoint)
    if endpoint is None or endpoint.endpoint_status not in SERVING:
        raise InvalidError(f"Endpoint {request.endpoint} of account {context.account} not found.")
    if len(request.body) > MOST_BYTES:
        raise InvalidError(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MOST_BYTES}"
        )
    variant = endpoint.choose(request.target_variant)
    if variant is None:
        raise InvalidError(f"Variant {request.target_variant} of endpoint {request.endpoint} not found.")
    event = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{endpoint.arn}/{endpoint.invocations}"))
    asked = time.perf_counter()
    answer = variant.worker.invoke(request.body, content_type=request.content_type, accept=request.accept)
    latency = time.perf_counter() - asked
    good = 200 <= answer.status < 300
    if good and endpoint.recorder:
        endpoint.recorder.record(
            variant=variant.name,
            event=event,
            request=Message(request.content_type or "application/octet-stream", request.body),
            response=Message(answer.content_type, answer.body),
            inference_id=request.inference_id,
            attributes=request.attributes,
        )
    _measure(metrics, endpoint, variant, answer.status, latency, time.perf_counter() - begun - latency)
    if not good:
        raise _error(context, endpoint, answer)
    return Reply(answer.body, answer.content_type, variant.name, answer.headers)


def _measure(
    metrics: Metrics, endpoint: Endpoint, variant: Variant, status: int, latency: float, overhead: float
) -> None:
    where = {"EndpointName": endpoint.endpoint_name, "VariantName": variant.name}
    # Each fleet is also counted by its configuration (Auto-Rollback Configuration and Monitoring).
    fleet = {**where, "EndpointConfigName": variant.config}
    good = 200 <= status < 300
    for name, value, unit in (
        ("Invocations", 1.0, "None"),
        ("InvocationsPerInstance", 1.0 / max(variant.instances, 1), "None"),
        ("ModelLatency", latency * 1e6, "Microseconds"),
        ("OverheadLatency", overhead * 1e6, "Microseconds"),
        ("Invocation4XXErrors", float(400 <= status < 500), "None"),
        ("Invocation5XXErrors", float(not good and not 400 <= status < 500), "None"),
        ("InvocationModelErrors", float(not good), "None"),
    ):
        metrics.put("AWS/SageMaker", name, where, value, unit=unit)
        metrics.put("AWS/SageMaker", name, fleet, value, unit=unit)


def _error(context: Context, endpoint: Endpoint, answer: Answer) -> ModelError:
    region, group = context.region, f"/aws/sagemaker/Endpoints/{endpoint.endpoint_name}"
    original = answer.body.decode(errors="replace")
    if answer.status == 0:
        original = (
            "Your invocation timed out while waiting for a response from container primary. Review the latency metrics "
            "for each container in Amazon CloudWatch, resolve the issue, and try again."
        )
    kind = "client" if 400 <= answer.status < 500 else "server"
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group}"
    return ModelError(
        message=f'Received {kind} error ({answer.status}) from primary with message "{original}". '
        f"See {console} in account {context.account} for more information.",
        status=answer.status,
        original=original,
        log_arn=f"arn:{context.partition}:logs:{region}:{context.account}:log-group:{group}",
    )
