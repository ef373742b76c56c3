"""The emulated Glue Data Catalog as queries see it: tables, their partitions, their objects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.artefact import split
from labkit.rehearsal.runtime.engine import Place, Source
from labkit.rehearsal.runtime.formats import described

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_STEPS = {"DAYS": 1, "WEEKS": 7}


class Catalog:
    """Looks tables up and lists what they consist of."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def names(self, database: str) -> list[str]:
        """The tables of a database."""
        pages = self._context.client("glue").get_paginator("get_tables").paginate(DatabaseName=database)
        return sorted(table["Name"] for page in pages for table in page["TableList"])

    def table(self, database: str, name: str) -> dict[str, Any] | None:
        """What Glue says of a table."""
        from botocore.exceptions import ClientError

        try:
            found: dict[str, Any] = self._context.client("glue").get_table(DatabaseName=database, Name=name)["Table"]
        except ClientError:
            return None
        return found

    def source(self, database: str, name: str) -> Source | None:
        """A table with its objects."""
        table = self.table(database, name)
        if table is None:
            return None
        return Source(described(table), lambda: self._places(database, table), self._content)

    def _places(self, database: str, table: dict[str, Any]) -> Sequence[Place]:
        location = table["StorageDescriptor"]["Location"]
        keys = [key["Name"] for key in table.get("PartitionKeys", [])]
        if not keys:
            return [Place((), self._objects(location))]
        if table.get("Parameters", {}).get("projection.enabled", "").lower() == "true":
            return self._projected(table, location, keys)
        pages = self._context.client("glue").get_paginator("get_partitions")
        return [
            Place(tuple(part["Values"]), self._objects(part["StorageDescriptor"]["Location"]))
            for page in pages.paginate(DatabaseName=database, TableName=table["Name"])
            for part in page["Partitions"]
        ]

    def _projected(self, table: dict[str, Any], location: str, keys: list[str]) -> list[Place]:
        parameters = table["Parameters"]
        template = parameters.get("storage.location.template") or location.rstrip("/") + "/" + "/".join(
            f"{key}=${{{key}}}" for key in keys
        )
        found = []
        for values in product(*(self._values(parameters, key) for key in keys)):
            path = template
            for key, value in zip(keys, values, strict=True):
                path = path.replace(f"${{{key}}}", value)
            found.append(Place(values, self._objects(path)))
        return found

    def _values(self, parameters: dict[str, str], key: str) -> list[str]:
        kind = parameters.get(f"projection.{key}.type", "")
        if kind == "enum":
            return [value.strip() for value in parameters[f"projection.{key}.values"].split(",")]
        first, _, last = parameters[f"projection.{key}.range"].partition(",")
        step = int(parameters.get(f"projection.{key}.interval", "1"))
        if kind == "integer":
            digits = int(parameters.get(f"projection.{key}.digits", "0"))
            return [str(number).zfill(digits) for number in range(int(first), int(last) + 1, step)]
        pattern = _strftime(parameters[f"projection.{key}.format"])
        moment, end = self._moment(first, pattern), self._moment(last, pattern)
        days = step * _STEPS.get(parameters.get(f"projection.{key}.interval.unit", "DAYS"), 1)
        found = []
        while moment <= end:
            found.append(moment.strftime(pattern))
            moment += timedelta(days=days)
        return found

    def _moment(self, text: str, pattern: str) -> datetime:
        text = text.strip()
        if not text.startswith("NOW"):
            return datetime.strptime(text, pattern)
        now = self._context.clock.now().replace(tzinfo=None)
        shift = re.fullmatch(r"NOW(?:([+-]\d+)(DAYS|WEEKS))?", text)
        return now + timedelta(days=int(shift[1]) * _STEPS[shift[2]]) if shift and shift[1] else now

    def _objects(self, location: str) -> tuple[str, ...]:
        bucket, prefix = split(location)
        pages = self._context.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", []) if item["Size"]]
        # Objects whose name begins with _ or . are not data (Athena: considerations for S3).
        return tuple(f"s3://{bucket}/{key}" for key in keys if not key.rsplit("/", 1)[-1].startswith(("_", ".")))

    def _content(self, url: str) -> bytes:
        bucket, key = split(url)
        content: bytes = self._context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content


def _strftime(java: str) -> str:
    pattern = java.replace("'", "")
    for letters, code in (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S")):
        pattern = pattern.replace(letters, code)
    return pattern
