"""Asks Athena through the lab's work group, and tells what the answer cost."""

from typing import Any, NamedTuple

END_STATES = ("SUCCEEDED", "FAILED", "CANCELLED")


class Answer(NamedTuple):
    """One query execution that has ended.

    Args:
        id: of the execution; Athena keeps its history for 45 days.
        state: ``SUCCEEDED``, ``FAILED`` or ``CANCELLED``.
        reason: why it did not succeed.
        scanned: bytes read to answer it.
        location: URI of the result.
        encryption: how the result is encrypted, as Athena tells it.
        rows: column name to text; unknown values are None.
    """

    id: str
    state: str
    reason: str
    scanned: int
    location: str
    encryption: dict[str, str]
    rows: list[dict[str, str | None]]


def queries(session: Any) -> dict[str, str]:
    """The SQL of the work group's named queries, by name."""
    athena = session.client("athena")
    pages = athena.get_paginator("list_named_queries").paginate(WorkGroup=session.outputs["WorkGroupName"])
    found = [athena.get_named_query(NamedQueryId=id) for page in pages for id in page["NamedQueryIds"]]
    return {query["NamedQuery"]["Name"]: query["NamedQuery"]["QueryString"] for query in found}


def ask(session: Any, sql: str, **wishes: Any) -> Answer:
    """Run a query to its end, whatever the end is.

    Args:
        session: the deployed lab.
        sql: one statement; tables without a database are those of the lab.
        wishes: more arguments for ``StartQueryExecution``.
    """
    started = session.client("athena").start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": session.outputs["DatabaseName"]},
        WorkGroup=session.outputs["WorkGroupName"],
        **wishes,
    )
    return session.wait("Athena answers", lambda: ended(session, started["QueryExecutionId"]), timeout=300, every=2)


def ended(session: Any, id: str) -> Answer | None:
    """What became of an execution; None while it runs."""
    athena = session.client("athena")
    execution = athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]
    state = execution["Status"]["State"]
    if state not in END_STATES:
        return None
    result = execution.get("ResultConfiguration", {})
    return Answer(
        id=id,
        state=state,
        reason=execution["Status"].get("StateChangeReason", ""),
        scanned=execution.get("Statistics", {}).get("DataScannedInBytes", 0),
        location=result.get("OutputLocation", ""),
        encryption=result.get("EncryptionConfiguration", {}),
        rows=_rows(athena.get_query_results(QueryExecutionId=id)) if state == "SUCCEEDED" else [],
    )


def _rows(results: dict[str, Any]) -> list[dict[str, str | None]]:
    header, *rows = ([cell.get("VarCharValue") for cell in row["Data"]] for row in results["ResultSet"]["Rows"])
    return [dict(zip(header, row, strict=True)) for row in rows]
