"""The emulator's own process: moto, CloudFormation and the rehearsal's routes on one loopback port."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from labkit.rehearsal.buckets import BucketSettings
from labkit.rehearsal.context import Context

HOST = "127.0.0.1"
SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")

Start = Callable[..., Any]


class Application:
    """Sends each request to the rehearsal's routes, to CloudFormation or to moto."""

    def __init__(self, context: Context) -> None:
        from moto.moto_server import werkzeug_app

        self._context = context
        self._settings = BucketSettings(context)
        moto: Any = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
        # moto would look through its own folders at each request.
        moto.get_backend_for_host = cache(moto.get_backend_for_host)
        self._moto = moto
        self._cloudformation: Any = None
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        try:
            if environ.get("PATH_INFO", "").startswith("/rehearsal/"):
                return self._route(environ, start_response)
            scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
            service = scope[1] if scope else "s3"
            if service == "s3" and (settings := self._settings.answer(environ, start_response)) is not None:
                return settings
            app = self._stacks() if service == "cloudformation" else self._moto
            answered: list[Any] = []
            answer: Iterable[bytes] = app(environ, lambda *given: answered.append(given))
            status, headers = answered[0][0], answered[0][1]
            # S3 speaks of a missing object in the same way as Flask of a missing route.
            if (
                service != "s3"
                and status.startswith("404")
                and dict(headers).get("Content-Type", "").startswith("text/html")
            ):
                return self._fault(environ, start_response, LookupError("moto has no such operation"))
            start_response(*answered[0])
            return answer
        except Exception as error:
            traceback.print_exc()
            return self._fault(environ, start_response, error)

    def _stacks(self) -> Any:
        with self._lock:
            if self._cloudformation is None:
                self._cloudformation = _cloudformation(self._context)
            return self._cloudformation

    def _route(self, environ: dict[str, Any], start_response: Start) -> list[bytes]:
        path, method = environ["PATH_INFO"].removeprefix("/rehearsal/"), environ["REQUEST_METHOD"]
        body = environ["wsgi.input"].read()
        routes = self._context.routes()
        prefix = max(
            (known for known in routes if path == known or path.startswith(known + "/")), key=len, default=None
        )
        if prefix is None:
            return _json(start_response, "404 Not Found", {"error": f"no such route: /rehearsal/{path}"})
        try:
            return _json(start_response, "200 OK", routes[prefix](method, path[len(prefix) :].lstrip("/"), body))
        except ValueError as error:
            return _json(start_response, "400 Bad Request", {"error": str(error)})

    def _fault(self, environ: dict[str, Any], start_response: Start, error: Exception) -> list[bytes]:
        """An answer in the client's format with a status that clients do not try again."""
        scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        service = scope[1] if scope else "?"
        message = f"The rehearsal cannot answer this {service} request: {error!r}"
        target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        self._context.ledger.called(
            service, target or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}", refused=True
        )
        if service in ("s3", "ec2", "iam", "sts", "sqs", "sns", "route53") or "x-www-form" in environ.get(
            "CONTENT_TYPE", ""
        ):
            from xml.sax.saxutils import escape

            text = f"<ErrorResponse><Error><Code>NotImplemented</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"
            start_response("501 Not Implemented", [("Content-Type", "text/xml")])
            return [text.encode()]
        start_response(
            "501 Not Implemented", [("Content-Type", "application/json"), ("x-amzn-errortype", "NotImplemented")]
        )
        return [json.dumps({"__type": "NotImplemented", "message": message}).encode()]


def _json(start_response: Start, status: str, content: Any) -> list[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(content, default=str).encode()]


def _cloudformation(context: Context) -> Any:
    """A WSGI application for the CloudFormation API."""
    from flask import Flask
    from moto.core.utils import convert_to_flask_response
    from moto.moto_server.werkzeug_app import BackendRequest

    from labkit.rehearsal.stacks.service import StackService

    StackService.context, StackService.engines = context, {}
    app = Flask("cloudformation")
    app.request_class = BackendRequest
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.add_url_rule(
        "/",
        view_func=convert_to_flask_response(StackService.dispatch),
        methods=["GET", "POST"],
        endpoint="cloudformation",
    )
    return app


def serve(*, port: int, region: str, workdir: Path, ready: Callable[[str], None], with_parent: bool) -> None:
    """Serve until told to stop.

    Args:
        port: 0 picks a free one.
        ready: called with the URL once requests are answered.
        with_parent: stop as soon as standard input ends, that is, as soon as the parent process is gone.
    """
    from werkzeug.serving import make_server

    _share_models()
    from labkit.rehearsal.http import Handler

    server: Any = make_server(HOST, port, _later, threaded=True, request_handler=Handler)
    server.daemon_threads = True
    url = f"http://localhost:{server.port}"
    os.environ["MOTO_PORT"] = str(server.port)
    workdir.mkdir(parents=True, exist_ok=True)
    context = Context(url=url, workdir=workdir, region=region)
    _install(context)
    server.app = Application(context)
    if with_parent:
        threading.Thread(target=_end_with_parent, args=(context,), daemon=True).start()
    ready(url)
    try:
        server.serve_forever()
    finally:
        context.shutdown()


def _share_models() -> None:
    """Have clients and moto read each API model once: reading them again and again is most of a small rehearsal."""
    from botocore import loaders

    shared = loaders.create_loader()
    # boto3 adds its own folder to the search path of each session; one addition is enough.
    loaders.create_loader = lambda search_path_string=None: shared


def _later(environ: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response("503 Service Unavailable", [])
    return [b""]


def _install(context: Context) -> None:
    from importlib.util import find_spec

    from labkit.rehearsal import additions, amendments, routes

    warnings.filterwarnings("ignore", message=".*does not match an error shape.*")
    amendments.install(context)
    routes.install(context)
    if find_spec("labkit.rehearsal.runtime") is not None:
        from labkit.rehearsal import runtime

        runtime.install(context)
    additions.install(context)


def _end_with_parent(context: Context) -> None:
    sys.stdin.buffer.read()
    context.shutdown()
    # A parent that was killed cannot tidy up.
    shutil.rmtree(context.workdir, ignore_errors=True)
    os._exit(0)
