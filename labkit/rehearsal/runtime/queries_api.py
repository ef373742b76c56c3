"""The Athena operations that start, follow, read and stop queries."""

from __future__ import annotations

import json
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.queries import Execution, Queries

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context
    from labkit.rehearsal.runtime.metrics import Metrics


def install(context: Context, metrics: Metrics) -> Queries:
    """Have moto's Athena run queries."""
    queries = Queries(context, metrics)
    context.on_import("moto.athena.responses", lambda module: _patch(module, queries))
    context.ledger.answers("athena", "StartQueryExecution", "executed", "DuckDB on the emulated objects")
    context.ledger.executes(
        "AWS::Athena::WorkGroup",
        "its byte limit, its place and its encryption of results apply to the queries that run",
    )
    return queries


def _patch(module: ModuleType, queries: Queries) -> None:
    response: Any = module.AthenaResponse

    def start_query_execution(self: Any) -> Any:
        request = json.loads(self.body)
        workgroup = request.get("WorkGroup") or "primary"
        found = self.athena_backend.work_groups.get(workgroup)
        if found is None:
            return self.error(f"WorkGroup {workgroup} is not found.", 400)
        if found.state != "ENABLED":
            return self.error(f"WorkGroup {workgroup} is disabled.", 400)
        try:
            execution = queries.start(request, workgroup, found.configuration)
        except ValueError as error:
            return self.error(str(error), 400)
        return json.dumps({"QueryExecutionId": execution.id})

    def known(function: Any) -> Any:
        def call(self: Any) -> Any:
            execution = queries.executions.get(self._get_param("QueryExecutionId"))
            if execution is None:
                return self.error(f"QueryExecution {self._get_param('QueryExecutionId')} was not found", 400)
            return function(self, execution)

        return call

    def get_query_execution(self: Any, execution: Execution) -> Any:
        return json.dumps({"QueryExecution": execution.as_json()})

    def get_query_results(self: Any, execution: Execution) -> Any:
        if execution.state in ("QUEUED", "RUNNING"):
            return self.error(f"Query has not yet finished. Current state: {execution.state}", 400)
        if execution.state != "SUCCEEDED":
            return self.error(f"Query did not finish successfully. Final query state: {execution.state}", 400)
        first, most = int(self._get_param("NextToken") or 0), int(self._get_param("MaxResults") or 1000)
        return json.dumps(results(execution, first=first, most=most))

    def stop_query_execution(self: Any, execution: Execution) -> Any:
        if execution.state in ("QUEUED", "RUNNING"):
            execution.state, execution.reason = "CANCELLED", "Query cancelled by user"
        return "{}"

    def list_query_executions(self: Any) -> Any:
        wanted = self._get_param("WorkGroup") or "primary"
        found = [each.id for each in queries.executions.values() if each.workgroup == wanted]
        return json.dumps({"QueryExecutionIds": found[::-1]})

    def batch_get_query_execution(self: Any) -> Any:
        wanted = self._get_param("QueryExecutionIds")
        found = [queries.executions[each].as_json() for each in wanted if each in queries.executions]
        return json.dumps({"QueryExecutions": found, "UnprocessedQueryExecutionIds": []})

    for function in (get_query_execution, get_query_results, stop_query_execution):
        wrapped = known(function)
        wrapped.__name__ = function.__name__
        setattr(response, function.__name__, wrapped)
    for plain in (start_query_execution, list_query_executions, batch_get_query_execution):
        setattr(response, plain.__name__, plain)


def results(execution: Execution, *, first: int, most: int) -> dict[str, Any]:
    """GetQueryResults: rows from number ``first``; of a SELECT, the first row of all is the header."""
    header: list[list[str | None]] = [] if execution.is_ddl else [list(execution.names)]
    rows = [*header, *execution.rows]
    answer: dict[str, Any] = {
        "ResultSet": {
            "Rows": [
                {"Data": [{} if value is None else {"VarCharValue": value} for value in row]}
                for row in rows[first : first + most]
            ],
            "ResultSetMetadata": {
                "ColumnInfo": [
                    {
                        "CatalogName": "hive",
                        "SchemaName": "",
                        "TableName": "",
                        "Name": name,
                        "Label": name,
                        "Type": kind,
                        "Precision": 0,
                        "Scale": 0,
                        "Nullable": "UNKNOWN",
                        "CaseSensitive": kind == "varchar",
                    }
                    for name, kind in zip(execution.names, execution.types, strict=True)
                ]
            },
        },
        "UpdateCount": 0,
    }
    if first + most < len(rows):
        answer["NextToken"] = str(first + most)
    return answer
