"""SQL really runs on the emulated objects, in every format, and crawlers find what is there."""

from __future__ import annotations

import csv
import io
import json
import struct
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError

ROWS = 3000
FLIGHTS = pa.table(
    {
        "flight": pa.array(range(ROWS), pa.int64()),
        "carrier": [("UA", "DL", 'A"A', "B6")[number % 4] for number in range(ROWS)],
        "delay": [None if number % 100 == 7 else (number * 37 % 211) / 2 - 20 for number in range(ROWS)],
        "note": [f"row {number:05d} with a text that takes room" for number in range(ROWS)],
    }
)


def written(table: pa.Table, kind: str) -> bytes:
    """The table in one format."""
    out = io.BytesIO()
    if kind == "csv":
        rows = [table.column_names, *(row.values() for row in table.to_pylist())]
        text = "".join(",".join("" if cell is None else str(cell) for cell in row) + "\n" for row in rows)
        out.write(text.encode())
    elif kind == "json":
        out.write("".join(json.dumps(row) + "\n" for row in table.to_pylist()).encode())
    elif kind == "parquet":
        pa.parquet.write_table(table, out, compression="snappy")
    elif kind == "orc":
        pa.orc.write_table(table, out, compression="zstd")
    elif kind == "avro":
        fields = [
            {"name": "flight", "type": "long"},
            {"name": "carrier", "type": "string"},
            {"name": "delay", "type": ["null", "double"]},
            {"name": "note", "type": "string"},
        ]
        fastavro.writer(out, {"type": "record", "name": "flight", "fields": fields}, table.to_pylist())
    return out.getvalue()


class Lab:
    """A lake with a crawler and a work group."""

    def __init__(self, emulator: Any) -> None:
        self.emulator, self.athena, self.glue = emulator, emulator.client("athena"), emulator.client("glue")
        self.s3 = emulator.client("s3")
        self.s3.create_bucket(Bucket="lake")
        self.s3.create_bucket(Bucket="results")
        self.sizes: dict[str, int] = {}
        # The comma-separated file has no quotes: LazySimpleSerDe, which a crawler picks, keeps them as they stand.
        plain = FLIGHTS.set_column(1, "carrier", [[value.replace('"', "") for value in FLIGHTS["carrier"].to_pylist()]])
        for kind in ("csv", "json", "parquet", "orc", "avro"):
            body = written(plain if kind == "csv" else FLIGHTS, kind)
            self.sizes[kind] = len(body)
            self.s3.put_object(Bucket="lake", Key=f"flights/{kind}/part-0.{kind}", Body=body)
        for month in (1, 2, 3):
            part = FLIGHTS.slice(month * 100, 100)
            key = f"flights/months/year=2013/month={month}/part.parquet"
            self.s3.put_object(Bucket="lake", Key=key, Body=written(part, "parquet"))
        record = struct.pack("<II", 0xCED7230A, 8) + b"\x0a\x06\x12\x04\xff\xfe\xfd\xfc"
        self.s3.put_object(Bucket="lake", Key="flights/recordio/part.recordio", Body=record * 20)
        self.key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
        encryption = {"EncryptionOption": "SSE_KMS", "KmsKey": self.key}
        self.configuration = {
            "ResultConfiguration": {"OutputLocation": "s3://results/out/", "EncryptionConfiguration": encryption},
            "EnforceWorkGroupConfiguration": True,
        }
        self.athena.create_work_group(Name="lab", Configuration=self.configuration)
        self.glue.create_database(DatabaseInput={"Name": "lake"})
        self.glue.create_crawler(
            Name="finder",
            Role="arn:aws:iam::123456789012:role/crawler",
            DatabaseName="lake",
            Targets={"S3Targets": [{"Path": "s3://lake/flights/"}]},
        )

    def crawl(self) -> Any:
        """Run the crawler to its end; what it says then."""
        self.glue.start_crawler(Name="finder")

        def ready() -> Any:
            crawler = self.glue.get_crawler(Name="finder")["Crawler"]
            return crawler if crawler["State"] == "READY" else None

        return self.emulator.wait(ready)

    def run(self, query: str, group: str = "lab", **more: Any) -> Any:
        """The finished execution."""
        started = self.athena.start_query_execution(
            QueryString=query, WorkGroup=group, QueryExecutionContext={"Database": "lake"}, **more
        )["QueryExecutionId"]

        def done() -> Any:
            found = self.athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]
            return found if found["Status"]["State"] not in ("QUEUED", "RUNNING") else None

        return self.emulator.wait(done)

    def rows(self, query: str) -> list[list[str | None]]:
        """Header and rows."""
        execution = self.run(query)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        answer = self.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in answer["ResultSet"]["Rows"]]

    def scanned(self, query: str) -> int:
        """Bytes scanned."""
        return int(self.run(query)["Statistics"]["DataScannedInBytes"])


@pytest.fixture(scope="module")
def lab(emulator: Any) -> Lab:
    """The lake, crawled."""
    lab = Lab(emulator)
    crawler = lab.crawl()
    assert crawler["LastCrawl"]["Status"] == "SUCCEEDED"
    return lab


def test_a_crawl_enters_a_table_per_folder_with_its_real_schema(lab: Lab) -> None:
    # WHEN the catalog is read
    tables = {table["Name"]: table for table in lab.glue.get_tables(DatabaseName="lake")["TableList"]}
    # THEN every format that Glue knows is a table, and RecordIO-protobuf is none
    assert sorted(tables) == ["avro", "csv", "json", "months", "orc", "parquet"]
    for name in ("csv", "json", "parquet", "orc", "avro"):
        columns = {column["Name"]: column["Type"] for column in tables[name]["StorageDescriptor"]["Columns"]}
        assert columns == {"flight": "bigint", "carrier": "string", "delay": "double", "note": "string"}, name
        assert tables[name]["Parameters"]["classification"] == name
        assert tables[name]["Parameters"]["recordCount"] == str(ROWS)
    assert tables["csv"]["Parameters"]["skip.header.line.count"] == "1"
    assert [key["Name"] for key in tables["months"]["PartitionKeys"]] == ["year", "month"]
    assert len(lab.glue.get_partitions(DatabaseName="lake", TableName="months")["Partitions"]) == 3


def test_a_second_crawl_finds_what_was_added(lab: Lab) -> None:
    # WHEN a month is added and the crawler runs again
    key = "flights/months/year=2013/month=4/part.parquet"
    lab.s3.put_object(Bucket="lake", Key=key, Body=written(FLIGHTS.slice(400, 100), "parquet"))
    lab.crawl()
    # THEN its rows are there
    assert lab.rows("SELECT count(*) AS n FROM months") == [["n"], ["400"]]


@pytest.mark.parametrize("kind", ["csv", "json", "parquet", "orc", "avro"])
def test_the_same_rows_come_out_of_every_format(lab: Lab, kind: str) -> None:
    # WHEN the same question is put to each
    query = f"SELECT count(*), count(delay), round(avg(delay), 6), max(note) FROM {kind} WHERE carrier = 'UA'"
    # THEN the answers are those of the data
    united = [row for row in FLIGHTS.to_pylist() if row["carrier"] == "UA"]
    delays = [row["delay"] for row in united if row["delay"] is not None]
    header, row = lab.rows(query)
    assert header == ["_col0", "_col1", "_col2", "_col3"]
    assert row[:2] == [str(len(united)), str(len(delays))]
    assert float(row[2] or "nan") == pytest.approx(sum(delays) / len(delays), abs=1e-5)
    assert row[3] == united[-1]["note"]


def test_columnar_formats_scan_only_the_columns_that_a_query_names(lab: Lab) -> None:
    one = {kind: lab.scanned(f"SELECT sum(flight) FROM {kind}") for kind in lab.sizes}
    full = {kind: lab.scanned(f"SELECT * FROM {kind}") for kind in lab.sizes}
    # THEN text and rows are read whole, columns are not
    for kind in ("csv", "json", "avro"):
        assert one[kind] == full[kind] == lab.sizes[kind]
    for kind in ("parquet", "orc"):
        assert 0 < one[kind] < full[kind] / 2 <= lab.sizes[kind] / 2
    metadata = pa.parquet.ParquetFile(io.BytesIO(written(FLIGHTS, "parquet"))).metadata
    assert one["parquet"] == metadata.row_group(0).column(0).total_compressed_size


def test_a_condition_on_a_partition_key_leaves_the_other_partitions_alone(lab: Lab) -> None:
    everything = lab.scanned("SELECT sum(flight) FROM months")
    one = lab.scanned("SELECT sum(flight) FROM months m WHERE m.year = '2013' AND month IN ('2') AND delay > 0")
    assert lab.rows("SELECT min(flight) AS low FROM months WHERE month = '2'") == [["low"], ["200"]]
    assert 0 < lab.scanned("SELECT sum(flight) FROM months WHERE month = '2'") < everything / 2
    assert one < everything


def test_the_result_is_written_as_athena_writes_it_and_encrypted(lab: Lab) -> None:
    # WHEN a result has quotes, nulls and types
    execution = lab.run("SELECT carrier, delay, flight > 6 AS late FROM parquet WHERE flight IN (2, 7) ORDER BY flight")
    # THEN values are quoted, NULL is empty, and the object is encrypted with the work group's key
    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://results/out/{execution['QueryExecutionId']}.csv"
    item = lab.s3.get_object(Bucket="results", Key=location.removeprefix("s3://results/"))
    text = item["Body"].read().decode()
    assert text.splitlines() == ['"carrier","delay","late"', '"A""A","17.0","false"', '"B6",,"true"']
    assert list(csv.reader(io.StringIO(text)))[1][0] == 'A"A'
    assert item["SSEKMSKeyId"] == lab.key
    answer = lab.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
    kinds = [column["Type"] for column in answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
    assert kinds == ["varchar", "double", "boolean"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT approx_distinct(carrier) AS x FROM parquet", "4"),
        ("SELECT count(*) AS x FROM parquet WHERE regexp_like(carrier, '^[UD]')", str(ROWS // 2)),
        ("SELECT date_trunc('month', TIMESTAMP '2013-05-17 10:00:00') AS x", "2013-05-01 00:00:00.000"),
        ("SELECT date_add('hour', 3, TIMESTAMP '2013-05-17 10:00:00') AS x", "2013-05-17 13:00:00.000"),
        ("SELECT date_format(date_parse('17/05/2013 09:07', '%d/%m/%Y %H:%i'), '%H:%i') AS x", "09:07"),
        ("SELECT 7 / 2 AS x", "3"),
        (
            'SELECT count(*) AS x FROM "awsdatacatalog"."lake"."parquet" a JOIN lake.orc b ON a.flight = b.flight',
            str(ROWS),
        ),
        ("WITH t AS (SELECT flight FROM parquet LIMIT 5) SELECT count(*) AS x FROM t", "5"),
    ],
)
def test_the_documented_part_of_athenas_sql_runs(lab: Lab, query: str, expected: str) -> None:
    assert lab.rows(query) == [["x"], [expected]]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELEC 1", "SYNTAX_ERROR"),
        ("SELECT nothing FROM parquet", "COLUMN_NOT_FOUND: Column 'nothing' cannot be resolved"),
        ("SELECT * FROM absent", "TABLE_NOT_FOUND: Table 'awsdatacatalog.lake.absent' does not exist"),
        ("SELECT geometry_union(1)", "FUNCTION_NOT_FOUND"),
        ("SELECT * FROM read_csv('/etc/passwd')", "GENERIC_USER_ERROR: Permission Error"),
        ("INSERT INTO parquet SELECT * FROM orc", "NOT_SUPPORTED"),
        ("ALTER TABLE parquet ADD COLUMNS (x int)", "NOT_SUPPORTED"),
    ],
)
def test_a_query_that_cannot_run_fails_and_says_why(lab: Lab, query: str, reason: str) -> None:
    status = lab.run(query)["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith(reason)


def test_a_query_above_the_limit_of_its_work_group_is_cancelled(lab: Lab) -> None:
    # GIVEN a work group that allows less than the file holds
    lab.athena.create_work_group(
        Name="thrifty", Configuration={**lab.configuration, "BytesScannedCutoffPerQuery": 10_000_000}
    )
    small = {**lab.configuration, "BytesScannedCutoffPerQuery": 10_000_000}
    lab.s3.put_object(Bucket="lake", Key="big/big.csv", Body=b"a,b\n" + b"1,some text to fill the line\n" * 400_000)
    ddl = "CREATE EXTERNAL TABLE big (a int, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://lake/big/'"
    assert lab.run(ddl)["Status"]["State"] == "SUCCEEDED"
    # WHEN a query needs all of it
    execution = lab.run("SELECT count(*) FROM big", "thrifty")
    # THEN it is cancelled, and allowed elsewhere
    assert execution["Status"] == execution["Status"] | {
        "State": "CANCELLED",
        "StateChangeReason": "Bytes scanned limit was exceeded",
    }
    assert lab.rows("SELECT count(*) AS n FROM big") == [["n"], ["400001"]]
    assert small["BytesScannedCutoffPerQuery"] < 400_000 * 27


def test_an_enforced_work_group_ignores_the_callers_place_and_none_at_all_is_refused(lab: Lab) -> None:
    own = {"ResultConfiguration": {"OutputLocation": "s3://results/mine/"}}
    assert "/out/" in lab.run("SELECT 1", **own)["ResultConfiguration"]["OutputLocation"]
    assert "/mine/" in lab.run("SELECT 1", "primary", **own)["ResultConfiguration"]["OutputLocation"]
    with pytest.raises(ClientError, match="No output location provided"):
        lab.run("SELECT 1", "primary")


def test_ddl_shows_describes_and_repairs(lab: Lab) -> None:
    assert ["parquet"] in lab.rows("SHOW TABLES")
    assert ["flight\tbigint\t"] in lab.rows("DESCRIBE parquet")
    # GIVEN a table over the months without partitions
    create = (
        "CREATE EXTERNAL TABLE IF NOT EXISTS again (flight bigint) PARTITIONED BY (year string, month int) "
        "STORED AS PARQUET LOCATION 's3://lake/flights/months/'"
    )
    assert lab.run(create)["Status"]["State"] == "SUCCEEDED"
    assert lab.rows("SELECT count(*) AS n FROM again") == [["n"], ["0"]]
    # WHEN it is repaired
    lab.run("MSCK REPAIR TABLE again")
    # THEN its partitions are there, with the key's type
    assert lab.rows("SELECT sum(flight) AS s FROM again WHERE month >= 2 AND month < 3") == [
        ["s"],
        [str(sum(range(200, 300)))],
    ]


def test_projected_partitions_need_no_crawler(lab: Lab) -> None:
    # GIVEN a table with partition projection
    properties = (
        "'projection.enabled'='true', 'projection.year.type'='enum', 'projection.year.values'='2013', "
        "'projection.month.type'='integer', 'projection.month.range'='1,12'"
    )
    lab.run(
        "CREATE EXTERNAL TABLE projected (flight bigint) PARTITIONED BY (year string, month int) "
        f"STORED AS PARQUET LOCATION 's3://lake/flights/months/' TBLPROPERTIES ({properties})"
    )
    # THEN its rows are found
    assert lab.rows("SELECT count(*) AS n FROM projected WHERE month = 3") == [["n"], ["100"]]
