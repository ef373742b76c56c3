"""The Lambda operations that run code: synchronous, asynchronous with retries, and from other services."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.functions import Functions, encoded_tail

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

# An asynchronous invocation that fails is tried twice more, after one and after two minutes (Lambda: retry behaviour).
_RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=2))
_KEPT = {"LoggingConfig": "logging_config", "DeadLetterConfig": "dead_letter_config"}


@dataclass
class _Event:
    """An asynchronous invocation that has failed and is to be tried again."""

    function: Any
    payload: bytes
    attempt: int
    due: datetime


class Asynchronous:
    """Asynchronous invocations: run at once, tried again on the emulated clock, given up to a dead-letter queue."""

    def __init__(self, context: Context, functions: Functions) -> None:
        self._context, self._functions = context, functions
        self._lock = threading.Lock()
        self._waiting: list[_Event] = []
        context.clock.subscribe(self.tick)

    def accept(self, function: Any, payload: bytes) -> None:
        """Start an invocation; emulated time stands still until it is done."""
        busy = self._context.clock.working()
        busy.__enter__()

        def run() -> None:
            try:
                self._try(_Event(function, payload, 1, self._context.clock.now()))
            finally:
                busy.__exit__(None, None, None)

        threading.Thread(target=run, daemon=True).start()

    def tick(self, now: datetime) -> None:
        """Try what is due."""
        with self._lock:
            due = [event for event in self._waiting if event.due <= now]
            self._waiting = [event for event in self._waiting if event.due > now]
        for event in due:
            self._try(event)

    def _try(self, event: _Event) -> None:
        result = self._functions.invoke(event.function, event.payload)
        settings = _invoke_config(event.function)
        if not result.failed:
            self._deliver(settings.get("OnSuccess", {}).get("Destination"), event, result.payload, "Success")
            return
        if event.attempt <= min(int(settings.get("MaximumRetryAttempts", 2)), len(_RETRY_AFTER)):
            due = self._context.clock.now() + _RETRY_AFTER[event.attempt - 1]
            with self._lock:
                self._waiting.append(_Event(event.function, event.payload, event.attempt + 1, due))
            return
        self._deliver(settings.get("OnFailure", {}).get("Destination"), event, result.payload, "RetriesExhausted")
        dead_letters = (getattr(event.function, "dead_letter_config", None) or {}).get("TargetArn")
        self._send(dead_letters, event.payload.decode())

    def _deliver(self, target: str | None, event: _Event, answer: bytes, condition: str) -> None:
        record = {
            "version": "1.0",
            "timestamp": self._context.clock.now().isoformat(),
            "requestContext": {
                "functionArn": f"{event.function.function_arn}:{event.function.version}",
                "condition": condition,
                "approximateInvokeCount": event.attempt,
            },
            "requestPayload": json.loads(event.payload or b"{}"),
            "responseContext": {"statusCode": 200, "executedVersion": str(event.function.version)},
            "responsePayload": json.loads(answer or b"null"),
        }
        self._send(target, json.dumps(record))

    def _send(self, target: str | None, text: str) -> None:
        if not target:
            return
        from labkit.rehearsal.runtime.delivery import deliver

        deliver(self._context, target, text)


def install(context: Context) -> Functions:
    """Have moto's Lambda run code."""
    functions = Functions(context)
    asynchronous = Asynchronous(context, functions)
    context.on_import("moto.awslambda.models", lambda module: _patch(module, functions, asynchronous))
    context.on_import("moto.awslambda_simple.models", _patch_simple)
    context.ledger.answers("lambda", "Invoke", "executed", "the function's own code, in a process of its own")
    context.ledger.executes(
        "AWS::Lambda::Function", "its code runs when it is invoked; its role's rights are not enforced"
    )
    return functions


def _patch(module: ModuleType, functions: Functions, asynchronous: Asynchronous) -> None:
    function_class, backend = module.LambdaFunction, module.LambdaBackend
    initialize, describe = function_class.__init__, function_class.get_configuration
    update, delete = function_class.update_configuration, backend.delete_function

    def begin_with(self: Any, account_id: str, spec: dict[str, Any], region: str, version: Any = 1) -> None:
        initialize(self, account_id, spec, region, version)
        for member, attribute in _KEPT.items():
            setattr(self, attribute, spec.get(member))

    def get_configuration(self: Any, on_create: bool = False) -> dict[str, Any]:
        kept = {member: getattr(self, attribute, None) for member, attribute in _KEPT.items()}
        return {**describe(self, on_create), **{member: value for member, value in kept.items() if value}}

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        for member, attribute in _KEPT.items():
            if member in config_updates:
                setattr(self, attribute, config_updates[member])
        answer: dict[str, Any] = update(self, config_updates)
        return answer

    def invoke(self: Any, body: str | bytes, request_headers: Any, response_headers: Any) -> bytes:
        payload = body.encode() if isinstance(body, str) else body or b""
        kind = request_headers.get("X-Amz-Invocation-Type", "RequestResponse") if request_headers else "RequestResponse"
        if kind == "DryRun":
            return b""
        if kind == "Event":
            asynchronous.accept(self, payload)
            return b""
        result = functions.invoke(self, payload)
        response_headers["x-amz-executed-version"] = str(self.version)
        response_headers["x-amz-log-result"] = encoded_tail(result.log)
        if result.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return result.payload

    def delete_function(self: Any, function_name: str, qualifier: str | None = None) -> None:
        delete(self, function_name, qualifier)
        if qualifier is None:
            functions.forget(function_name.rpartition(":function:")[2].partition(":")[0])

    function_class.__init__ = begin_with
    for method in (get_configuration, update_configuration, invoke):
        setattr(function_class, method.__name__, method)
    backend.delete_function = delete_function


def _patch_simple(module: ModuleType) -> None:
    """The backend without Docker answers with canned results; it is to invoke the function instead."""
    del module.LambdaSimpleBackend.invoke


def _invoke_config(function: Any) -> dict[str, Any]:
    configured: dict[str, Any] = next(iter(function.event_invoke_config or ()), {})
    return {**configured, **configured.get("DestinationConfig", {})}
