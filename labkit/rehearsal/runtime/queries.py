"""Athena: a query really runs, and its result, its bytes and its failure are what they are."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import ddl, engine
from labkit.rehearsal.runtime.artefact import split
from labkit.rehearsal.runtime.catalog import Catalog
from labkit.rehearsal.runtime.engine import CutoffError, QueryError

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context
    from labkit.rehearsal.runtime.metrics import Metrics

_TOO_MUCH = "Bytes scanned limit was exceeded"
_NO_PLACE = (
    "No output location provided. An output location is required either through the Workgroup result configuration "
    "setting or as an API input."
)


_DIFFERENCE = (
    "queries run in DuckDB with a small set of Athena's functions added; what DuckDB knows and Athena does not is "
    "accepted; the .metadata object beside a result is JSON"
)


@dataclass
class Execution:
    """One query."""

    id: str
    query: str
    database: str
    workgroup: str
    result: dict[str, Any]
    context: dict[str, Any]
    submitted: datetime
    cutoff: int | None = None
    publish: bool = False
    state: str = "QUEUED"
    reason: str = ""
    scanned: int = 0
    took: float = 0.0
    completed: datetime | None = None
    names: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    parameters: list[str] | None = None

    @property
    def is_ddl(self) -> bool:
        """Whether it is a DDL statement, whose result is plain text."""
        return ddl.is_ddl(self.query)

    @property
    def location(self) -> str:
        """The URL of its result."""
        folder = self.result["OutputLocation"].rstrip("/")
        return f"{folder}/{self.id}.{'txt' if self.is_ddl else 'csv'}"

    def as_json(self) -> dict[str, Any]:
        """QueryExecution."""
        status: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.submitted.timestamp()}
        if self.completed:
            status["CompletionDateTime"] = self.completed.timestamp()
        if self.reason:
            status["StateChangeReason"] = self.reason
        milliseconds = int(self.took * 1000)
        return {
            "QueryExecutionId": self.id,
            "Query": self.query,
            "StatementType": "DDL" if self.is_ddl else "DML",
            "ResultConfiguration": {**self.result, "OutputLocation": self.location},
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": self.context,
            "Status": status,
            "Statistics": {
                "EngineExecutionTimeInMillis": milliseconds,
                "DataScannedInBytes": self.scanned,
                "TotalExecutionTimeInMillis": milliseconds,
                "ResultReuseInformation": {"ReusedPreviousResult": False},
            },
            "WorkGroup": self.workgroup,
            "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"},
            **({"ExecutionParameters": self.parameters} if self.parameters else {}),
        }


class Queries:
    """Starts and runs queries."""

    def __init__(self, context: Context, metrics: Metrics) -> None:
        self._context, self._metrics = context, metrics
        self._catalog = Catalog(context)
        self.executions: dict[str, Execution] = {}

    def start(self, request: Mapping[str, Any], workgroup: str, settings: Mapping[str, Any]) -> Execution:
        """Accept a query; emulated time stands still until it is done.

        Raises:
            ValueError: no place for the result is known.
        """
        own, given = dict(settings.get("ResultConfiguration") or {}), dict(request.get("ResultConfiguration") or {})
        result = own if settings.get("EnforceWorkGroupConfiguration", True) else {**own, **given}
        if not result.get("OutputLocation"):
            raise ValueError(_NO_PLACE)
        context = dict(request.get("QueryExecutionContext") or {})
        execution = Execution(
            id=str(uuid.uuid4()),
            query=request["QueryString"],
            database=str(context.get("Database", "default")).lower(),
            workgroup=workgroup,
            result=result,
            context=context,
            submitted=self._context.clock.now(),
            cutoff=settings.get("BytesScannedCutoffPerQuery"),
            publish=bool(settings.get("PublishCloudWatchMetricsEnabled")),
            parameters=request.get("ExecutionParameters"),
        )
        self.executions[execution.id] = execution
        self._context.ledger.note(_DIFFERENCE, about="athena")
        busy = self._context.clock.working()
        busy.__enter__()

        def work() -> None:
            try:
                self._run(execution)
            finally:
                busy.__exit__(None, None, None)

        threading.Thread(target=work, daemon=True).start()
        return execution

    def _run(self, execution: Execution) -> None:
        execution.state, begun = "RUNNING", time.perf_counter()
        try:
            if execution.is_ddl:
                lines = ddl.run(self._context, self._catalog, execution.query, execution.database)
                execution.names, execution.types = ["result"], ["string"]
                execution.rows = [[line] for line in lines]
            else:
                rows = engine.run(
                    _filled(execution.query.strip().rstrip(";"), execution.parameters or []),
                    database=execution.database,
                    find=self._catalog.source,
                    now=self._context.clock.now(),
                    cutoff=execution.cutoff,
                )
                execution.names, execution.types, execution.scanned = rows.names, rows.types, rows.scanned
                execution.rows = [[shown(value) for value in row] for row in rows.values]
            self._write(execution)
            state, reason = "SUCCEEDED", ""
        except CutoffError:
            execution.scanned, state, reason = execution.cutoff or 0, "CANCELLED", _TOO_MUCH
        except QueryError as error:
            state, reason = "FAILED", str(error)
        except Exception as error:  # the caller is to see it as a failed query, not wait for ever
            state, reason = "FAILED", f"GENERIC_INTERNAL_ERROR: {error}"
        execution.took = time.perf_counter() - begun
        execution.completed = self._context.clock.now()
        if execution.state != "CANCELLED":
            execution.state, execution.reason = state, reason
        if execution.publish:
            where = {
                "WorkGroup": execution.workgroup,
                "QueryState": execution.state,
                "QueryType": "DDL" if execution.is_ddl else "DML",
            }
            self._metrics.put("AWS/Athena", "ProcessedBytes", where, execution.scanned, unit="Bytes")
            self._metrics.put("AWS/Athena", "TotalExecutionTime", where, execution.took * 1000, unit="Milliseconds")

    def _write(self, execution: Execution) -> None:
        bucket, key = split(execution.location)
        encryption: dict[str, str] = {}
        configured = execution.result.get("EncryptionConfiguration", {})
        if configured.get("EncryptionOption") == "SSE_KMS":
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": configured["KmsKey"]}
        elif configured.get("EncryptionOption") == "SSE_S3":
            encryption = {"ServerSideEncryption": "AES256"}
        if execution.is_ddl:
            text = "".join(f"{row[0]}\n" for row in execution.rows)
        else:
            header: list[str | None] = [*execution.names]
            text = "".join(_line(row) for row in [header, *execution.rows])
        about = {"columns": [{"name": n, "type": t} for n, t in zip(execution.names, execution.types, strict=True)]}
        client = self._context.client("s3")
        client.put_object(Bucket=bucket, Key=key, Body=text.encode(), **encryption)
        client.put_object(Bucket=bucket, Key=f"{key}.metadata", Body=json.dumps(about).encode(), **encryption)


def shown(value: Any) -> str | None:
    """A value as Athena writes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(value).replace("inf", "Infinity").replace("nan", "NaN").replace("e+", "E").replace("e", "E")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(str(shown(each)) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={shown(each)}" for name, each in value.items()) + "}"
    return str(value)


def _line(row: list[str | None]) -> str:
    return ",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in row) + "\n"


def _filled(query: str, parameters: list[str]) -> str:
    """The query with each ``?`` outside quotes replaced by the next parameter, as it stands."""
    left = list(parameters)
    pieces, quote = [], ""
    for letter in query:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "?" and left:
            pieces.append(left.pop(0))
            continue
        pieces.append(letter)
    return "".join(pieces)
