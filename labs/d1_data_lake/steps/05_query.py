"""Query the tables within limits

Run the queries that the stack keeps in the work group: unknown values, ranges, outliers, duplicates, statistics, and a
comparison of the formats. Then read one column of each table and compare the bytes scanned, which is what Athena
charges for. At last ask for more than a query may scan: Athena stops it.
"""

import sys
from importlib import import_module
from pathlib import Path

from labkit.session import Session, StepFailed

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
athena = import_module("athena")

QUALITY = ("ranges", "outliers", "duplicates", "statistics", "format_comparison")
ONE_COLUMN = ("csv", "json", "avro", "parquet", "orc")


def run(session: Session) -> None:
    kept = athena.queries(session)

    def answer(name: str) -> "athena.Answer":
        if name not in kept:
            raise StepFailed(f"The work group keeps no query {name}. It keeps {', '.join(sorted(kept)) or 'none'}.")
        found = athena.ask(session, kept[name])
        if found.state != "SUCCEEDED":
            raise StepFailed(f"Query {name} {found.state}: {found.reason}")
        return found

    shares = answer("null_share").rows[0]
    session.table(
        f"Unknown values among {shares['flights']} flights",
        [
            {"column": column, "share": f"{float(share):.2%}"}
            for column, share in shares.items()
            if column != "flights" and float(share) > 0
        ],
    )
    for name in QUALITY:
        rows = answer(name).rows
        session.table(name.replace("_", " ").capitalize(), rows)
        if name == "format_comparison" and len({tuple(row.values())[1:] for row in rows}) != 1:
            raise StepFailed("The tables do not hold the same content: compare the rows of the last table.")

    sizes = {name: place["size"] for name, place in session.recall("objects").items()}
    columns = {name: answer(f"one_column_{name}") for name in ONE_COLUMN}
    session.table(
        "One column, and what Athena scanned for it",
        [
            {
                "format": name,
                "mean": f"{float(found.rows[0]['mean_miles']):.2f}",
                "object": f"{sizes[name]:,}",
                "scanned": f"{found.scanned:,}",
                "share": f"{found.scanned / sizes[name]:.0%}",
            }
            for name, found in columns.items()
        ],
    )
    session.remember("scanned", {name: found.scanned for name, found in columns.items()})
    session.remember("executions", {name: found.id for name, found in columns.items()})

    limit = int(session.outputs["ScanLimitBytes"])
    refused = athena.ask(session, kept["over_the_limit"])
    if refused.state == "SUCCEEDED":
        raise StepFailed(f"A query scanned {refused.scanned:,} bytes; the limit is {limit:,}.")
    session.say(f"The copies: {refused.state} after {refused.scanned:,} bytes. {refused.reason}")
