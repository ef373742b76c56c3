"""One variant's model server: a process that runs the lab's own ``inference.py`` on the lab's own model data."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labkit.rehearsal.runtime import artefact
from labkit.rehearsal.runtime.artefact import ServingError
from labkit.rehearsal.runtime.child import Child, GoneError, clean_environment

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

READY_SECONDS = 120.0
# A container must answer within 60 seconds (InvokeEndpoint).
ANSWER_SECONDS = 60.0
_MOST_MEMORY = 4 << 30
_FRAMEWORKS = {"xgboost": "xgboost", "scikit-learn": "scikit-learn"}


@dataclass(frozen=True)
class Answer:
    """What came back from the container, and what it cost."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str]


class Worker:
    """The model server of one variant.

    Args:
        container: the container definition of the model (Image, ModelDataUrl, Environment ...).
        isolated: whether the model has network isolation.
        memory: bytes of memory of the instance; the process gets no more, and at most 4 GiB.
        folder: a folder of its own, removed when the worker stops.
        write: takes lines of output.
    """

    def __init__(
        self,
        context: Context,
        *,
        container: dict[str, Any],
        isolated: bool,
        memory: int,
        folder: Path,
        write: Callable[[list[str]], None],
    ) -> None:
        self._context, self._container, self._isolated = context, container, isolated
        self._memory = min(memory, _MOST_MEMORY)
        self._folder, self._write = folder, write
        self._child: Child | None = None
        self._starting = threading.Lock()
        self._cpu_of_earlier = 0.0
        self.cpu_seconds = 0.0
        self.resident = 0.0
        self.disk_bytes = 0
        self.isolation = ""

    @property
    def pid(self) -> int | None:
        """The process id while the server runs."""
        return self._child.pid if self._child and self._child.alive else None

    def start(self) -> None:
        """Fetch the model data, start the process and wait until the model is loaded.

        Raises:
            ServingError: no server came up; the message is the FailureReason of the endpoint.
        """
        framework = next((name for word, name in _FRAMEWORKS.items() if word in self._container.get("Image", "")), None)
        if framework is None:
            raise ServingError(
                f"The rehearsal serves script-mode XGBoost and scikit-learn images; {self._container.get('Image')} "
                "is not rehearsed."
            )
        model = self._folder / "model"
        artefact.fetch(self._context, self._container, model)
        self.disk_bytes = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
        self._launch(framework)

    def invoke(self, body: bytes, *, content_type: str | None, accept: str | None) -> Answer:
        """One POST to ``/invocations``; a server that has ended is started again, as its container would be."""
        with self._starting:
            if self._child is None or not self._child.alive:
                self.start()
            child = self._child
        assert child is not None
        try:
            header, content = child.ask({"content_type": content_type, "accept": accept}, body, timeout=ANSWER_SECONDS)
        except TimeoutError:
            self._write(["the model server did not answer within 60 seconds and was stopped"])
            return Answer(0, "", b"", {})
        except GoneError as error:
            self._write([f"the model server is gone: {error}"])
            return Answer(502, "text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>", {})
        self._measure(header)
        return Answer(header["status"], header["content_type"], content, header["headers"])

    def stop(self) -> None:
        """End the process and remove its files."""
        if self._child is not None:
            self._child.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self, framework: str) -> None:
        model = self._folder / "model"
        code, program = self._code(model)
        places = {"/opt/ml/model": str(model), "/opt/ml/code": str(code)}
        given = {name: _mapped(value, places) for name, value in self._container.get("Environment", {}).items()}
        home = self._folder / "home"
        home.mkdir(exist_ok=True)
        environment = clean_environment(
            HOME=str(home),
            TMPDIR=str(home),
            SM_MODEL_DIR=str(model),
            OMP_NUM_THREADS="1",
            AWS_REGION=self._context.region,
            **(given if self._isolated else {**self._context_variables(), **given}),
        )
        # The container imports what SAGEMAKER_SUBMIT_DIRECTORY holds, copied to /opt/ml/code.
        self._cpu_of_earlier = self.cpu_seconds
        self._child = Child("model_server", environment=environment, folder=home, write=self._write)
        settings = {
            "model": str(model),
            "code": str(code),
            "program": program,
            "framework": framework,
            "isolated": self._isolated,
            "memory": self._memory,
            "port": urlsplit(self._context.url).port,
        }
        try:
            header, _ = self._child.ask(settings, timeout=READY_SECONDS)
        except (TimeoutError, GoneError) as error:
            raise _unhealthy(str(error) or "it was not ready in time") from error
        if not header["ready"]:
            self._child.kill()
            raise _unhealthy(header["error"])
        self.isolation = header["isolation"]
        self._measure(header)

    def _code(self, model: Path) -> tuple[Path, str]:
        variables = self._container.get("Environment", {})
        program = variables.get("SAGEMAKER_PROGRAM")
        if not program:
            raise _unhealthy("SAGEMAKER_PROGRAM is not set; the rehearsal runs script mode only")
        place = variables.get("SAGEMAKER_SUBMIT_DIRECTORY", "/opt/ml/code")
        if place.startswith("s3://"):
            if self._isolated:
                raise _unhealthy(f"network isolation is on and the code is to be fetched from {place}")
            code = self._folder / "code"
            artefact.unpack(artefact.read(self._context, place), place, code)
        else:
            code = Path(_mapped(place.removeprefix("file://"), {"/opt/ml/model": str(model)}))
        if not (code / program).is_file():
            raise _unhealthy(f"there is no inference code: {place}/{program} is not in the model data")
        if (code / "requirements.txt").exists():
            self._context.ledger.note("requirements.txt is not installed; the packages of this machine are used")
        return code, program

    def _context_variables(self) -> dict[str, str]:
        from labkit.rehearsal.context import KEYS

        return {
            "AWS_ENDPOINT_URL": self._context.url,
            "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
            "AWS_DEFAULT_REGION": self._context.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _measure(self, header: dict[str, Any]) -> None:
        self.cpu_seconds = self._cpu_of_earlier + header["cpu"]
        self.resident = header["resident"]


def _mapped(value: str, places: dict[str, str]) -> str:
    for prefix, folder in places.items():
        if value == prefix or value.startswith(prefix + "/"):
            return folder + value[len(prefix) :]
    return value


def _unhealthy(cause: str) -> ServingError:
    return ServingError(
        "The primary container for production variant {variant} did not pass the ping health check. Please check "
        f"CloudWatch logs for this endpoint. ({cause})"
    )
