"""Glue crawlers: the objects are read, their format and schema found, tables and partitions entered."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import logs
from labkit.rehearsal.runtime.artefact import split
from labkit.rehearsal.runtime.recognition import Found, recognise, wider

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_HADOOP = "org.apache.hadoop"
_STORAGE = {
    "parquet": (f"{_HADOOP}.hive.ql.io.parquet.MapredParquet", f"{_HADOOP}.hive.ql.io.parquet.serde.ParquetHiveSerDe"),
    "orc": (f"{_HADOOP}.hive.ql.io.orc.Orc", f"{_HADOOP}.hive.ql.io.orc.OrcSerde"),
    "avro": (f"{_HADOOP}.hive.ql.io.avro.AvroContainer", f"{_HADOOP}.hive.serde2.avro.AvroSerDe"),
    "json": (f"{_HADOOP}.mapred.Text", "org.openx.data.jsonserde.JsonSerDe"),
    "csv": (f"{_HADOOP}.mapred.Text", f"{_HADOOP}.hive.serde2.lazy.LazySimpleSerDe"),
}
_PARTITION = re.compile(r"([^/=]+)=([^/]*)/")


class Crawlers:
    """Runs crawls."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def start(self, crawler: Any, crawl: Any) -> None:
        """Crawl in the background; emulated time stands still until it is done."""
        crawl.start_time = self._context.clock.now()
        busy = self._context.clock.working()
        busy.__enter__()

        def work() -> None:
            try:
                self._run(crawler, crawl)
            finally:
                busy.__exit__(None, None, None)

        threading.Thread(target=work, daemon=True).start()

    def _run(self, crawler: Any, crawl: Any) -> None:
        said = [f"[{crawl.crawl_id}] INFO : Crawler {crawler.name} started"]
        try:
            for target in (crawler.targets or {}).get("S3Targets", []):
                for found in self.explore(target["Path"], said):
                    self._enter(crawler, found)
                    said.append(f"[{crawl.crawl_id}] INFO : Table {_name(crawler, found)} from {found.location}")
            crawl.outcome = "COMPLETED"
        except Exception as error:  # a crawl that fails is a result of the service, not of the emulator
            crawl.outcome, crawl.error = "FAILED", str(error)
            said.append(f"[{crawl.crawl_id}] ERROR : {error}")
        crawl.end_time = self._context.clock.now()
        group = crawl.log_group
        if crawler.crawler_security_configuration:
            # A security configuration has its own group, named after the role and itself.
            role = str(crawler.role).rsplit("/", 1)[-1]
            group = f"{crawl.log_group}-role/{role}-{crawler.crawler_security_configuration}"
        logs.write(self._context, group, crawler.name, said)

    def explore(self, target: str, said: list[str]) -> Iterator[Found]:
        """The tables below a path: folders whose objects agree; ``key=value`` folders are partitions."""
        bucket, prefix = split(target)
        client = self._context.client("s3")
        folders: dict[str, list[str]] = defaultdict(list)
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                name = item["Key"].rsplit("/", 1)[-1]
                if item["Size"] and not name.startswith(("_", ".")):
                    folder = (
                        _PARTITION.split(item["Key"])[0] if "=" in item["Key"] else item["Key"].rpartition("/")[0] + "/"
                    )
                    folders[folder].append(item["Key"])
        for folder, keys in sorted(folders.items()):
            by_format: dict[str, Found] = {}
            for key in keys:
                content: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
                schema = recognise(key, content)
                if schema is None:
                    said.append(f"INFO : s3://{bucket}/{key} classified UNKNOWN, no table")
                    continue
                found = by_format.setdefault(
                    schema.format,
                    Found(f"s3://{bucket}/{folder}", schema.format, {}, serde=schema.serde, skip=schema.skip),
                )
                for column, kind in schema.columns.items():
                    found.columns[column] = wider(found.columns.get(column, kind), kind)
                found.rows, found.size, found.objects = (
                    found.rows + schema.rows,
                    found.size + len(content),
                    found.objects + 1,
                )
                pairs = _PARTITION.findall(key[len(folder) :])
                if pairs:
                    found.keys = [name for name, _ in pairs]
                    place = f"s3://{bucket}/{key.rpartition('/')[0]}/"
                    found.partitions[tuple(value for _, value in pairs)] = place
            yield from by_format.values()

    def _enter(self, crawler: Any, found: Found) -> None:
        glue, name = self._context.client("glue"), _name(crawler, found)
        input_class, library = _STORAGE[found.format]
        about = {
            "classification": found.format,
            "typeOfData": "file",
            "compressionType": "none",
            "recordCount": str(found.rows),
            "objectCount": str(found.objects),
            "sizeKey": str(found.size),
            "averageRecordSize": str(found.size // max(found.rows, 1)),
            "UPDATED_BY_CRAWLER": crawler.name,
            **(
                {"skip.header.line.count": str(found.skip), "delimiter": found.serde["field.delim"]}
                if found.skip
                else {}
            ),
        }
        storage = {
            "Columns": [{"Name": column, "Type": kind} for column, kind in found.columns.items()],
            "Location": found.location,
            "InputFormat": f"{input_class}InputFormat",
            "OutputFormat": f"{input_class}OutputFormat",
            "Compressed": False,
            "SerdeInfo": {"SerializationLibrary": library, "Parameters": found.serde},
            "Parameters": about,
        }
        table = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": about,
            "StorageDescriptor": storage,
            "PartitionKeys": [{"Name": key.lower(), "Type": "string"} for key in found.keys],
        }
        place = {"DatabaseName": crawler.database_name, "TableName": name}
        known = {each["Name"] for each in glue.get_tables(DatabaseName=crawler.database_name)["TableList"]}
        update = glue.update_table if name in known else glue.create_table
        update(DatabaseName=crawler.database_name, TableInput=table)
        old = {tuple(part["Values"]) for part in glue.get_partitions(**place)["Partitions"]} if name in known else set()
        for values, location in found.partitions.items():
            if values not in old:
                part = {"Values": list(values), "StorageDescriptor": {**storage, "Location": location}}
                glue.create_partition(**place, PartitionInput=part)


def _name(crawler: Any, found: Found) -> str:
    last = split(found.location)[1].rstrip("/").rsplit("/", 1)[-1] or split(found.location)[0]
    return (crawler.table_prefix or "") + re.sub(r"[^a-z0-9_]", "_", last.lower())


def install(context: Context) -> Crawlers:
    """Have moto's Glue crawlers crawl."""
    crawlers = Crawlers(context)
    context.on_import("moto.glue.models", lambda module: _patch(module, crawlers))
    context.ledger.answers("glue", "StartCrawler", "executed", "the objects are read with pyarrow and fastavro")
    context.ledger.executes("AWS::Glue::Crawler", "crawls the emulated objects when it is started")
    return crawlers


def _patch(module: ModuleType, crawlers: Crawlers) -> None:
    crawler: Any = module.FakeCrawler
    crawl_class: Any = module.FakeCrawl
    start, describe = crawler.start_crawler, crawler.as_dict

    def start_crawler(self: Any) -> None:
        start(self)
        self.crawls[-1].outcome = ""
        crawlers.start(self, self.crawls[-1])

    def status(self: Any) -> str:
        if getattr(self, "outcome", ""):
            return str(self.outcome)
        return "RUNNING"

    def described(self: Any) -> dict[str, Any]:
        answer: dict[str, Any] = describe(self)
        if self.crawls and self.crawls[-1].outcome:
            last = self.crawls[-1]
            succeeded = "SUCCEEDED" if last.outcome == "COMPLETED" else "FAILED"
            error = {"ErrorMessage": last.error} if last.outcome == "FAILED" else {}
            answer["LastCrawl"] = {**answer["LastCrawl"], "Status": succeeded, **error}
        else:
            answer.pop("LastCrawl", None)
        return answer

    crawler.start_crawler, crawler.as_dict = start_crawler, described
    crawl_class.status = property(status, lambda self, value: None)
    crawl_class.advance = lambda self: None
