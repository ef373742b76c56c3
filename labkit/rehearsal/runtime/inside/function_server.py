"""Runs one Lambda function as its Python runtime would: handler, context object, logger, error documents."""

from __future__ import annotations

import importlib
import json
import logging
import sys
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace, TracebackType
from typing import Any

from labkit.rehearsal.runtime.inside import guard
from labkit.rehearsal.runtime.inside.channel import Channel, ClosedError, finish


class Context:
    """The context object that a handler gets."""

    def __init__(self, about: dict[str, Any]) -> None:
        self.function_name: str = about["function_name"]
        self.function_version: str = about["function_version"]
        self.invoked_function_arn: str = about["invoked_function_arn"]
        self.memory_limit_in_mb: str = str(about["memory_limit_in_mb"])
        self.aws_request_id: str = about["aws_request_id"]
        self.log_group_name: str = about["log_group_name"]
        self.log_stream_name: str = about["log_stream_name"]
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = None
        self._deadline = time.monotonic() + about["timeout"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return max(int((self._deadline - time.monotonic()) * 1000), 0)


class _Stamped(logging.Formatter):
    """The line that the runtime's own log handler writes."""

    converter = time.gmtime  # type: ignore[assignment]
    request = ""

    def format(self, record: logging.LogRecord) -> str:
        stamp = f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z"
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return f"[{record.levelname}]\t{stamp}\t{self.request}\t{text}"


def load(settings: dict[str, Any]) -> Callable[[Any, Context], Any]:
    """Import the handler.

    Raises:
        ImportError: the module cannot be imported, or has no such function.
    """
    sys.path[:0] = [settings["code"], *settings["layers"]]
    module_name, _, function_name = settings["handler"].rpartition(".")
    module = importlib.import_module(module_name.replace("/", "."))
    handler: Callable[[Any, Context], Any] = getattr(module, function_name)
    return handler


def trouble(error: BaseException, trace: TracebackType | None, code: str, request: str) -> dict[str, Any]:
    """The error document, with the paths that the function has in AWS."""
    frames = [each for each in traceback.extract_tb(trace) if each.filename.startswith(code)]
    lines = [
        f'  File "/var/task{each.filename[len(code) :]}", line {each.lineno}, in {each.name}\n    {each.line}\n'
        for each in frames
    ]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request,
        "stackTrace": lines,
    }


def run(
    handler: Callable[[Any, Context], Any], about: dict[str, Any], body: bytes, code: str
) -> tuple[bool, dict[str, Any] | str]:
    """Call the handler; whether it went well, and the answer or the error document."""
    request = about["aws_request_id"]
    try:
        result = handler(json.loads(body or b"{}"), Context(about))
    except BaseException as error:
        document = trouble(error, error.__traceback__, code, request)
        shown = "".join(document["stackTrace"])
        print(f"[ERROR] {document['errorType']}: {error}\nTraceback (most recent call last):\n{shown}", flush=True)
        return False, document
    try:
        return True, json.dumps(result)
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        print(f"[ERROR] Runtime.MarshalError: {message}", flush=True)
        return False, {
            "errorMessage": message,
            "errorType": "Runtime.MarshalError",
            "requestId": request,
            "stackTrace": [],
        }


def main() -> None:
    """Answer invocations until the parent closes the channel."""
    channel = Channel.inherited()
    settings, _ = channel.read()
    guard.limit_memory(settings["memory"])
    guard.map_paths({"/var/task": settings["code"]})
    guard.only_connect_to(settings["port"])
    guard.die_with_parent()
    stamped = _Stamped()
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(stamped)
    logging.getLogger().addHandler(output)
    handler: Callable[[Any, Context], Any] | None = None
    failure: dict[str, Any] = {}
    try:
        handler = load(settings)
    except BaseException as error:
        traceback.print_exc()
        module, _, name = settings["handler"].rpartition(".")
        failure = trouble(error, error.__traceback__, settings["code"], "")
        if isinstance(error, ImportError):
            failure |= {
                "errorMessage": f"Unable to import module '{module}': {error}",
                "errorType": "Runtime.ImportModuleError",
            }
        if isinstance(error, AttributeError):
            failure |= {
                "errorMessage": f"Handler '{name}' missing on module '{module}'",
                "errorType": "Runtime.HandlerNotFound",
            }
    finish()
    channel.write({"ready": handler is not None, "failure": failure, **guard.usage()})
    while handler is not None:
        try:
            about, body = channel.read()
        except ClosedError:
            return
        stamped.request = about["aws_request_id"]
        begun = time.perf_counter()
        good, answer = run(handler, about, body, settings["code"])
        took = time.perf_counter() - begun
        finish()
        text = answer if isinstance(answer, str) else json.dumps(answer)
        channel.write({"good": good, "took": took, **guard.usage()}, text.encode())
