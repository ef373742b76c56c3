"""Lambda: a function's own code runs, warm, in a process per function, and logs where the function logs."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import threading
import uuid
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labkit.rehearsal.runtime import logs
from labkit.rehearsal.runtime.child import Child, GoneError, clean_environment

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

INIT_SECONDS = 60.0
# Python with boto3 maps more than a small function's memory; the limit keeps a runaway function from the machine.
_HEADROOM = 1 << 30
_TAIL = 4096


@dataclass(frozen=True)
class Result:
    """What an invocation gave."""

    payload: bytes
    failed: bool
    log: str


@dataclass
class _Warm:
    """A running sandbox of one version of one function."""

    key: str
    folder: Path
    stream: str
    child: Child | None = None
    failure: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Functions:
    """The sandboxes of all functions of one account and region."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._warm: dict[str, _Warm] = {}
        context.on_shutdown(self.shutdown)

    def invoke(self, function: Any, payload: bytes) -> Result:
        """Run ``function`` (moto's record of it) on ``payload``, in its own process."""
        request = str(uuid.uuid4())
        if unsupported := _unsupported(function):
            self._context.ledger.note(unsupported, about=function.function_name)
            document = {"errorMessage": f"not rehearsed: {unsupported}", "errorType": "Rehearsal.Unsupported"}
            return Result(json.dumps(document).encode(), True, "")
        warm = self._sandbox(function)
        with warm.lock:
            warm.lines = []
            self._say(function, warm, f"START RequestId: {request} Version: {function.version}")
            good, answer, took = self._run(function, warm, request, payload)
            self._say(function, warm, f"END RequestId: {request}")
            self._say(
                function,
                warm,
                f"REPORT RequestId: {request}\tDuration: {took * 1000:.2f} ms\t"
                f"Billed Duration: {int(took * 1000) + 1} ms\tMemory Size: {function.memory_size} MB",
            )
            return Result(answer, not good, "\n".join(warm.lines)[-_TAIL:])

    def forget(self, name: str) -> None:
        """End the sandboxes of a deleted function."""
        with self._lock:
            gone = [key for key in self._warm if key.partition(":")[0] == name]
            sandboxes = [self._warm.pop(key) for key in gone]
        for warm in sandboxes:
            _end(warm)

    def shutdown(self) -> None:
        """End every sandbox."""
        for key in list(self._warm):
            self.forget(key.partition(":")[0])

    def _sandbox(self, function: Any) -> _Warm:
        name = f"{function.function_name}:{function.version}"
        code = function.code_bytes
        config = json.dumps(
            [function.handler, function.environment_vars, function.timeout, function.layers], default=str
        )
        key = hashlib.sha256(code + config.encode()).hexdigest()
        with self._lock:
            warm = self._warm.get(name)
            if warm is None or warm.key != key:
                if warm is not None:
                    _end(warm)
                now = self._context.clock.now()
                folder = self._context.workdir / "functions" / uuid.uuid4().hex
                stream = f"{now:%Y/%m/%d}/[{function.version}]{folder.name}"
                warm = self._warm[name] = _Warm(key, folder, stream)
                _unzip(code, folder / "task")
            return warm

    def _run(self, function: Any, warm: _Warm, request: str, payload: bytes) -> tuple[bool, bytes, float]:
        limit = float(function.timeout)
        try:
            if warm.child is None or not warm.child.alive:
                self._start(function, warm)
            if warm.failure:
                return False, json.dumps({**warm.failure, "requestId": request}).encode(), 0.0
            assert warm.child is not None
            about = {
                "function_name": function.function_name,
                "function_version": str(function.version),
                "invoked_function_arn": function.function_arn,
                "memory_limit_in_mb": function.memory_size,
                "aws_request_id": request,
                "log_group_name": log_group(function),
                "log_stream_name": warm.stream,
                "timeout": limit,
            }
            header, body = warm.child.ask(about, payload, timeout=limit)
        except TimeoutError:
            message = f"RequestId: {request} Error: Task timed out after {limit:.2f} seconds"
            now = self._context.clock.now()
            self._say(function, warm, f"{now:%Y-%m-%dT%H:%M:%S.000Z} {request} {message.partition('Error: ')[2]}")
            return False, json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message}).encode(), limit
        except GoneError:
            message = f"RequestId: {request} Error: Runtime exited without providing a reason"
            return False, json.dumps({"errorType": "Runtime.ExitError", "errorMessage": message}).encode(), 0.0
        return bool(header["good"]), body, float(header["took"])

    def _start(self, function: Any, warm: _Warm) -> None:
        from labkit.rehearsal.context import KEYS

        context, task, home = self._context, warm.folder / "task", warm.folder / "tmp"
        home.mkdir(parents=True, exist_ok=True)
        environment = clean_environment(
            HOME=str(home),
            TMPDIR=str(home),
            _HANDLER=str(function.handler),
            LAMBDA_TASK_ROOT=str(task),
            AWS_REGION=context.region,
            AWS_DEFAULT_REGION=context.region,
            AWS_EXECUTION_ENV=f"AWS_Lambda_{function.run_time}",
            AWS_LAMBDA_FUNCTION_NAME=function.function_name,
            AWS_LAMBDA_FUNCTION_VERSION=str(function.version),
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE=str(function.memory_size),
            AWS_LAMBDA_LOG_GROUP_NAME=log_group(function),
            AWS_LAMBDA_LOG_STREAM_NAME=warm.stream,
            AWS_ENDPOINT_URL=context.url,
            AWS_ACCESS_KEY_ID=KEYS["aws_access_key_id"],
            AWS_SECRET_ACCESS_KEY=KEYS["aws_secret_access_key"],
            AWS_EC2_METADATA_DISABLED="true",
            **{name: str(value) for name, value in (function.environment_vars or {}).items()},
        )

        def write(lines: list[str]) -> None:
            for line in lines:
                self._say(function, warm, line)

        warm.child = Child("function_server", environment=environment, folder=task, write=write)
        settings = {
            "code": str(task),
            "layers": self._layers(function, warm),
            "handler": function.handler,
            "memory": int(function.memory_size) * (1 << 20) + _HEADROOM,
            "port": urlsplit(context.url).port,
        }
        header, _ = warm.child.ask(settings, timeout=INIT_SECONDS)
        warm.failure = {} if header["ready"] else header["failure"]
        if warm.failure:
            warm.child.kill()

    def _layers(self, function: Any, warm: _Warm) -> list[str]:
        from moto.awslambda.utils import get_backend

        found = []
        backend = get_backend(self._context.account, self._context.region)
        for number, layer in enumerate(function.layers or ()):
            version: Any = backend.layers_versions_by_arn(layer["Arn"])
            folder = warm.folder / f"layer{number}"
            _unzip(version.code_bytes, folder)
            found += [str(place) for place in (folder / "python", folder) if place.exists()]
        return found

    def _say(self, function: Any, warm: _Warm, line: str) -> None:
        warm.lines.append(line)
        logs.write(self._context, log_group(function), warm.stream, [line])


def log_group(function: Any) -> str:
    """Where a function logs: the group of its LoggingConfig, or the one named after it."""
    configured = getattr(function, "logging_config", None) or {}
    return str(configured.get("LogGroup") or f"/aws/lambda/{function.function_name}")


def encoded_tail(log: str) -> str:
    """LogResult: the last 4 KB of the log, in base64."""
    return base64.b64encode(log.encode()).decode()


def _unsupported(function: Any) -> str:
    if function.package_type != "Zip":
        return "a function in a container image does not run"
    if not str(function.run_time).startswith("python"):
        return f"a function for {function.run_time} does not run; Python does"
    return ""


def _unzip(content: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)  # zipfile drops absolute paths and "..": nothing leaves the folder


def _end(warm: _Warm) -> None:
    if warm.child is not None:
        warm.child.kill()
    shutil.rmtree(warm.folder, ignore_errors=True)
