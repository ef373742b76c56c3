"""Custom resources: the stack's own function is invoked, and its answer decides."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

from labkit.rehearsal.context import Context
from labkit.rehearsal.stacks.faults import ResourceFailed
from labkit.rehearsal.types.row import Made, Row, Scene

LATE_SECONDS = 5.0
_answers: dict[str, dict[str, Any]] = {}
_arrived = threading.Condition()


def install(context: Context) -> None:
    """Take the answers that functions send to their ResponseURL."""

    def answer(method: str, token: str, body: bytes) -> dict[str, str]:
        if method != "PUT":
            raise ValueError(f"{method} given; a custom resource answers with PUT")
        with _arrived:
            _answers[token] = json.loads(body)
            _arrived.notify_all()
        return {}

    context.route("answers", answer)


def _ask(scene: Scene, kind: str) -> Made:
    properties = scene.rest()
    token = uuid.uuid4().hex
    event = {
        "RequestType": kind,
        "ServiceToken": properties["ServiceToken"],
        "ResponseURL": f"{scene.context.url}/rehearsal/answers/{token}",
        "StackId": scene.stack_id,
        "RequestId": str(uuid.uuid4()),
        "LogicalResourceId": scene.logical_id,
        "ResourceType": scene.type,
        # CloudFormation hands every scalar over as a string.
        "ResourceProperties": _strings(properties),
    }
    if kind != "Create":
        event["PhysicalResourceId"] = scene.physical_id
    if kind == "Update":
        event["OldResourceProperties"] = _strings(scene.old)
    if ":lambda:" not in properties["ServiceToken"]:
        raise ResourceFailed(
            f"the rehearsal runs custom resources by function only; ServiceToken {properties['ServiceToken']} given"
        )
    answer = scene.context.client("lambda", scene.region).invoke(
        FunctionName=properties["ServiceToken"], Payload=json.dumps(event).encode()
    )
    with _arrived:
        _arrived.wait_for(lambda: token in _answers, timeout=0.0 if answer.get("FunctionError") else LATE_SECONDS)
        told = _answers.pop(token, None)
    if told is None:
        payload = answer["Payload"].read().decode(errors="replace")[:500]
        raise ResourceFailed(f"CustomResource did not answer to its ResponseURL. The function returned: {payload}")
    physical_id = str(told.get("PhysicalResourceId") or scene.physical_id or scene.generated())
    if told.get("Status") != "SUCCESS":
        raise ResourceFailed(
            f"Received response status [FAILED] from custom resource. Message returned: {told.get('Reason', 'none')}"
        )
    return Made(physical_id, dict(told.get("Data") or {}))


def _strings(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strings(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _delete(scene: Scene) -> None:
    _ask(scene, "Delete")


ROW = Row(
    type="AWS::CloudFormation::CustomResource",
    label="executed",
    create=lambda scene: _ask(scene, "Create"),
    update=lambda scene: _ask(scene, "Update"),
    delete=_delete,
    replaced_by=frozenset({"ServiceToken"}),
)
