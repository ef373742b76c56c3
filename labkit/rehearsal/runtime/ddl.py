"""The few DDL statements that a rehearsal runs: SHOW, DESCRIBE, CREATE EXTERNAL TABLE, DROP, MSCK REPAIR TABLE."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.artefact import split
from labkit.rehearsal.runtime.catalog import Catalog
from labkit.rehearsal.runtime.engine import QueryError

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_WORDS = ("ALTER", "CREATE", "DESCRIBE", "DROP", "MSCK", "SHOW")
_NAME = r"`?(?:(?P<database>\w+)`?\.`?)?(?P<table>[\w-]+)`?"
_FORMATS = {
    "PARQUET": ("MapredParquet", "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"),
    "ORC": ("Orc", "org.apache.hadoop.hive.ql.io.orc.OrcSerde"),
    "AVRO": ("Avro", "org.apache.hadoop.hive.serde2.avro.AvroSerDe"),
    "TEXTFILE": ("Text", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"),
}


def is_ddl(query: str) -> bool:
    """Whether a statement is one of these."""
    return query.lstrip().upper().startswith(_WORDS)


def run(context: Context, catalog: Catalog, query: str, database: str) -> list[str]:
    """Execute a statement; returns the lines of its result.

    Raises:
        QueryError: the statement is not one of those named above, or what it names does not exist.
    """
    text = " ".join(query.strip().rstrip(";").split())
    glue = context.client("glue")
    if found := re.fullmatch(r"SHOW TABLES(?: (?:IN|FROM) `?(\w+)`?)?", text, re.I):
        return catalog.names(found[1] or database)
    if re.fullmatch(r"SHOW (?:DATABASES|SCHEMAS)", text, re.I):
        return sorted(each["Name"] for each in glue.get_databases()["DatabaseList"])
    if found := re.fullmatch(rf"(?:DESCRIBE|DESC) {_NAME}", text, re.I):
        table = _table(catalog, found, database)
        keys = table.get("PartitionKeys", [])
        return [
            f"{each['Name']}\t{each.get('Type', 'string')}\t" for each in table["StorageDescriptor"]["Columns"] + keys
        ]
    if found := re.fullmatch(rf"SHOW PARTITIONS {_NAME}", text, re.I):
        table = _table(catalog, found, database)
        place = {"DatabaseName": found["database"] or database, "TableName": table["Name"]}
        keys = [key["Name"] for key in table.get("PartitionKeys", [])]
        return [
            "/".join(f"{key}={value}" for key, value in zip(keys, part["Values"], strict=True))
            for part in glue.get_partitions(**place)["Partitions"]
        ]
    if found := re.fullmatch(rf"MSCK REPAIR TABLE {_NAME}", text, re.I):
        return _repair(context, _table(catalog, found, database), found["database"] or database)
    if found := re.fullmatch(rf"DROP TABLE (?P<gone>IF EXISTS )?{_NAME}", text, re.I):
        if catalog.table(found["database"] or database, found["table"].lower()):
            glue.delete_table(DatabaseName=found["database"] or database, Name=found["table"].lower())
        elif not found["gone"]:
            raise QueryError(f"FAILED: SemanticException Table not found {found['table']}")
        return []
    if found := re.fullmatch(r"CREATE (?:DATABASE|SCHEMA) (IF NOT EXISTS )?`?(\w+)`?", text, re.I):
        if found[2].lower() not in [each["Name"] for each in glue.get_databases()["DatabaseList"]]:
            glue.create_database(DatabaseInput={"Name": found[2].lower()})
        return []
    if re.match(r"CREATE EXTERNAL TABLE", text, re.I):
        return _create(context, catalog, text, database)
    raise QueryError(f"NOT_SUPPORTED: this statement is not rehearsed: {text[:60]}")


def _table(catalog: Catalog, found: re.Match[str], database: str) -> dict[str, Any]:
    place = found["database"] or database
    table = catalog.table(place, found["table"].lower())
    if table is None:
        raise QueryError(f"FAILED: SemanticException Table not found {place}.{found['table']}")
    return table


def _create(context: Context, catalog: Catalog, text: str, database: str) -> list[str]:
    found = re.fullmatch(
        rf"CREATE EXTERNAL TABLE (?P<exists>IF NOT EXISTS )?{_NAME} ?\((?P<columns>.+?)\)"
        r"(?: PARTITIONED BY ?\((?P<keys>.+?)\))?"
        r"(?: ROW FORMAT (?:SERDE '(?P<serde>[^']+)'(?: WITH SERDEPROPERTIES ?\((?P<serdeproperties>.+?)\))?"
        r"|DELIMITED FIELDS TERMINATED BY '(?P<delimiter>[^']+)'))?"
        r"(?: STORED AS (?P<format>\w+))?"
        r" LOCATION '(?P<location>[^']+)'(?: TBLPROPERTIES ?\((?P<properties>.+)\))?",
        text,
        re.I,
    )
    if found is None:
        raise QueryError(f"SYNTAX_ERROR: this form of CREATE EXTERNAL TABLE is not rehearsed: {text[:80]}")
    name, place = found["table"].lower(), found["database"] or database
    if catalog.table(place, name):
        if found["exists"]:
            return []
        raise QueryError(f"FAILED: Execution Error. AlreadyExistsException: Table {name} already exists.")
    kind = (found["format"] or "TEXTFILE").upper()
    if kind not in _FORMATS:
        raise QueryError(f"NOT_SUPPORTED: STORED AS {kind} is not rehearsed")
    format_name, library = _FORMATS[kind]
    parameters = _properties(found["serdeproperties"])
    if found["delimiter"]:
        parameters["field.delim"] = found["delimiter"].encode().decode("unicode_escape")
    context.client("glue").create_table(
        DatabaseName=place,
        TableInput={
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"EXTERNAL": "TRUE", **_properties(found["properties"])},
            "PartitionKeys": _columns(found["keys"] or ""),
            "StorageDescriptor": {
                "Columns": _columns(found["columns"]),
                "Location": found["location"],
                "InputFormat": f"org.apache.hadoop.mapred.{format_name}InputFormat",
                "OutputFormat": f"org.apache.hadoop.mapred.{format_name}OutputFormat",
                "SerdeInfo": {"SerializationLibrary": found["serde"] or library, "Parameters": parameters},
            },
        },
    )
    return []


def _columns(text: str) -> list[dict[str, str]]:
    parts = [part.strip() for part in re.split(r",(?![^(<]*[)>])", text) if part.strip()]
    pairs = [part.replace("`", "").split(None, 1) for part in parts]
    return [{"Name": name.lower(), "Type": kind.partition(" COMMENT")[0].strip().lower()} for name, kind in pairs]


def _properties(text: str | None) -> dict[str, str]:
    pairs = re.findall(r"""['"]([^'"]+)['"] ?= ?(?:'([^']*)'|"([^"]*)")""", text or "")
    return {key: (single or double).encode().decode("unicode_escape") for key, single, double in pairs}


def _repair(context: Context, table: dict[str, Any], database: str) -> list[str]:
    bucket, prefix = split(table["StorageDescriptor"]["Location"])
    keys = [key["Name"] for key in table.get("PartitionKeys", [])]
    pattern = re.compile("/".join(rf"{re.escape(key)}=([^/]+)" for key in keys) + "/")
    glue, place = context.client("glue"), {"DatabaseName": database, "TableName": table["Name"]}
    known = {tuple(part["Values"]) for part in glue.get_partitions(**place)["Partitions"]}
    added = []
    for page in context.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            found = pattern.match(item["Key"].removeprefix(prefix).lstrip("/"))
            if found and found.groups() not in known:
                known.add(found.groups())
                location = f"s3://{bucket}/{prefix.rstrip('/')}/{found[0]}"
                storage = {**table["StorageDescriptor"], "Location": location}
                glue.create_partition(
                    **place, PartitionInput={"Values": list(found.groups()), "StorageDescriptor": storage}
                )
                added.append(f"Repair: Added partition to metastore {table['Name']}:{found[0].rstrip('/')}")
    return added
