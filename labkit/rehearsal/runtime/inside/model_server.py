"""Serves one model as a script-mode container would: the user's own module, over the parent's channel only."""

from __future__ import annotations

import importlib
import os
import sys
import time
import traceback
from typing import Any

from labkit.rehearsal.runtime.inside import frameworks, guard
from labkit.rehearsal.runtime.inside.channel import Channel, ClosedError, finish


def load(settings: dict[str, Any]) -> tuple[Any, Any]:
    """Import the user's module and load the model; returns the model and the transform function."""
    sys.path.insert(0, settings["code"])
    sys.argv = ["serve"]
    module = importlib.import_module(settings["program"].removesuffix(".py"))
    model_fn, transform = frameworks.functions(module, settings["framework"])
    return model_fn(settings["model"]), transform


def respond(model: Any, transform: Any, request: dict[str, Any], body: bytes) -> frameworks.Answer:
    """One invocation: what the container's web server answers."""
    content_type = request.get("content_type") or frameworks.JSON
    accept = request.get("accept")
    if not accept or accept == frameworks.ANY:
        accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", frameworks.JSON)
    try:
        content = body.decode() if content_type in frameworks.AS_TEXT else body
        return frameworks.answer(transform(model, content, content_type, accept))
    except Exception:
        print("ERROR - Exception on /invocations [POST]", flush=True)
        traceback.print_exc()
        return frameworks.server_error()


def main() -> None:
    """Answer requests until the parent closes the channel."""
    channel = Channel.inherited()
    settings, _ = channel.read()
    guard.limit_memory(settings["memory"])
    guard.map_paths({"/opt/ml/model": settings["model"], "/opt/ml/code": settings["code"]})
    isolation = guard.isolate_network() if settings["isolated"] else ""
    if not settings["isolated"]:
        guard.only_connect_to(settings["port"])
    guard.die_with_parent()
    try:
        model, transform = load(settings)
    except BaseException as error:
        traceback.print_exc()
        finish()
        channel.write({"ready": False, "error": "".join(traceback.format_exception_only(error)).strip()})
        return
    finish()
    channel.write({"ready": True, "isolation": isolation, **guard.usage()})
    while True:
        try:
            request, body = channel.read()
        except ClosedError:
            return
        begun = time.perf_counter()
        answer = respond(model, transform, request, body)
        took = time.perf_counter() - begun
        finish()
        channel.write(
            {
                "status": answer.status,
                "content_type": answer.content_type,
                "headers": answer.headers,
                "took": took,
                **guard.usage(),
            },
            answer.body,
        )
