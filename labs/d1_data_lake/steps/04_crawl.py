"""Let the crawler find the tables

Start the crawler and wait until it is done, one to three minutes. It reads a part of each folder, guesses columns and
types, and writes one table per folder into the database. Compare what it made of the same data in each format.
"""

from labkit.session import Session, StepFailed


def run(session: Session) -> None:
    glue, name = session.client("glue"), session.outputs["CrawlerName"]
    last = crawler(session).get("LastCrawl", {}).get("StartTime")
    try:
        glue.start_crawler(Name=name)
    except glue.exceptions.CrawlerRunningException:
        session.say("The crawler is running already.")

    def done() -> dict[str, object] | None:
        found = crawler(session)
        fresh = found.get("LastCrawl", {}).get("StartTime") not in (None, last)
        return found["LastCrawl"] if found["State"] == "READY" and fresh else None

    crawl = session.wait("the crawler is at work", done, timeout=900, every=15)
    if crawl["Status"] != "SUCCEEDED":
        raise StepFailed(
            f"Crawler {name} ended {crawl['Status']}: {crawl.get('ErrorMessage', 'no message')}. "
            f"Its log group is {session.outputs['CrawlerLogGroupName']}."
        )
    found = tables(session)
    session.table(
        "Tables found",
        [
            {
                "table": table["Name"],
                "classified as": table["Parameters"].get("classification", "unknown"),
                "columns": len(table["StorageDescriptor"]["Columns"]),
                "flight": kind(table, "flight"),
                "tailnum": kind(table, "tailnum"),
                "time_hour": kind(table, "time_hour"),
                "location": table["StorageDescriptor"]["Location"],
            }
            for table in found
        ],
    )
    wanted = {name for output in ("RawTableNames", "CuratedTableNames") for name in session.outputs[output].split(",")}
    if missing := wanted - {table["Name"] for table in found}:
        raise StepFailed(f"The crawler found no table {', '.join(sorted(missing))}. Run step 2 first.")


def crawler(session: Session) -> dict[str, object]:
    return session.client("glue").get_crawler(Name=session.outputs["CrawlerName"])["Crawler"]


def tables(session: Session) -> list[dict[str, object]]:
    pages = session.client("glue").get_paginator("get_tables").paginate(DatabaseName=session.outputs["DatabaseName"])
    return [table for page in pages for table in page["TableList"]]


def kind(table: dict[str, object], column: str) -> str:
    columns = table["StorageDescriptor"]["Columns"]
    return next((entry["Type"] for entry in columns if entry["Name"] == column), "absent")
