"""What the lab claims, checked against what is deployed and what the steps left."""

import io
import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

from labkit.session import Session

sys.path.insert(0, str(Path(__file__).parent / "src"))
formats, athena = import_module("formats"), import_module("athena")

BUCKETS = ("RawBucketName", "CuratedBucketName", "ResultsBucketName")
COLUMN = "distance"


def body(session: Session, place: dict[str, str], **which: str) -> bytes:
    answer = session.client("s3").get_object(Bucket=place["bucket"], Key=place["key"], **which)
    return answer["Body"].read()


def objects(session: Session) -> dict[str, bytes]:
    return {name: body(session, place) for name, place in session.recall("objects").items()}


def test_every_format_holds_the_same_rows(session: Session) -> None:
    """Six formats in S3 hold the same rows: one checksum over names, order and values, equal to that of the source."""
    with (session.data / "flights.csv").open("rb") as file:
        source = formats.FORMATS["csv"].read(file, formats.COLUMNS)
    found = {
        name: formats.FORMATS[name].read(io.BytesIO(data), formats.COLUMNS) for name, data in objects(session).items()
    }
    assert set(found) == set(formats.FORMATS)
    assert {name: table.num_rows for name, table in found.items()} == dict.fromkeys(found, source.num_rows)
    assert {formats.checksum(table) for table in found.values()} == {formats.checksum(source)}


def test_columnar_formats_read_fewer_bytes_for_one_column(session: Session) -> None:
    """For one column a reader fetches less than all of Parquet and ORC, and all of every format kept by row."""
    for name, data in objects(session).items():
        file = formats.Counted.over(data)
        formats.FORMATS[name].read(file, (COLUMN,))
        if formats.FORMATS[name].columnar:
            assert file.bytes < len(data), name
        else:
            assert file.bytes == len(data), name


def test_measured_column_reads_were_ranges(session: Session) -> None:
    """The measurement in S3 shows it: each columnar format sent fewer bytes for a column than any format kept by row."""
    measured = session.recall("measured")
    columnar = {name for name, form in formats.FORMATS.items() if form.columnar}
    most = max(measured[name]["column_bytes"] for name in columnar)
    assert most < min(m["column_bytes"] for name, m in measured.items() if name not in columnar)
    assert (session.folder / "formats.png").stat().st_size > 0


def test_objects_are_encrypted_with_the_key_of_the_lab(session: Session) -> None:
    """Each object, and each copy, is encrypted with the lab's key."""
    s3, raw = session.client("s3"), session.outputs["RawBucketName"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=raw, Prefix="flights_copies/")
    keys = [(raw, entry["Key"]) for page in pages for entry in page.get("Contents", [])]
    assert keys, "no copies: run step 2"
    keys += [(place["bucket"], place["key"]) for place in session.recall("objects").values()]
    used = {s3.head_object(Bucket=bucket, Key=key).get("SSEKMSKeyId") for bucket, key in keys}
    assert used == {session.outputs["KeyArn"]}


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_private_and_take_only_tls(session: Session, name: str) -> None:
    """Each bucket blocks public access and refuses requests without TLS."""
    s3, bucket = session.client("s3"), session.outputs[name]
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    statements = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    refused = [s["Condition"] for s in statements if s["Effect"] == "Deny" and s["Action"] == "s3:*"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in refused


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_versioned_encrypted_and_logged(session: Session, name: str) -> None:
    """Each bucket keeps versions, encrypts with the lab's key by default, and logs accesses to the log bucket."""
    s3, bucket = session.client("s3"), session.outputs[name]
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == session.outputs["KeyArn"]
    logging = s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]
    assert logging["TargetBucket"] == session.outputs["AccessLogsBucketName"]


def test_objects_move_and_expire_by_rule(session: Session) -> None:
    """Curated objects go to Intelligent-Tiering, results expire after a week, old versions go everywhere."""
    s3 = session.client("s3")
    rules = {name: s3.get_bucket_lifecycle_configuration(Bucket=session.outputs[name])["Rules"][0] for name in BUCKETS}
    tiers = {transition["StorageClass"] for transition in rules["CuratedBucketName"]["Transitions"]}
    assert tiers == {"INTELLIGENT_TIERING"}
    assert rules["ResultsBucketName"]["Expiration"]["Days"] == 7
    assert all(rule["NoncurrentVersionExpiration"]["NoncurrentDays"] > 0 for rule in rules.values())


def test_crawler_found_a_table_in_each_folder(session: Session) -> None:
    """The crawler made one table of each folder, with the columns of the data, where the data lie."""
    glue, outputs = session.client("glue"), session.outputs
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=outputs["DatabaseName"])
    tables = {table["Name"]: table["StorageDescriptor"] for page in pages for table in page["TableList"]}
    for bucket, names in (("RawBucketName", "RawTableNames"), ("CuratedBucketName", "CuratedTableNames")):
        for name in outputs[names].split(","):
            assert tables[name]["Location"] == f"s3://{outputs[bucket]}/{name}/"
            assert [column["Name"] for column in tables[name]["Columns"]] == list(formats.COLUMNS), name


def test_crawler_is_encrypted(session: Session) -> None:
    """The crawler carries a security configuration that encrypts data, logs and bookmarks with the lab's key."""
    glue = session.client("glue")
    crawler = glue.get_crawler(Name=session.outputs["CrawlerName"])["Crawler"]
    found = glue.get_security_configuration(Name=crawler["CrawlerSecurityConfiguration"])["SecurityConfiguration"]
    encryption = found["EncryptionConfiguration"]
    parts = [encryption["S3Encryption"][0], encryption["CloudWatchEncryption"], encryption["JobBookmarksEncryption"]]
    assert {part["KmsKeyArn"] for part in parts} == {session.outputs["KeyArn"]}


def test_athena_scans_less_of_columnar_tables(session: Session) -> None:
    """For the same answer about one column Athena scanned less of Parquet and ORC than of CSV and JSON lines."""
    ids = session.recall("executions")
    answers = {name: athena.ended(session, id) for name, id in ids.items()}
    assert len({answer.rows[0]["mean_miles"] for answer in answers.values()}) == 1
    assert max(answers[n].scanned for n in ("parquet", "orc")) < min(answers[n].scanned for n in ("csv", "json"))


def test_results_are_encrypted_whatever_a_query_asks_for(session: Session) -> None:
    """A query that asks for another place and no encryption still writes to the results bucket, encrypted."""
    elsewhere = f"s3://{session.outputs['RawBucketName']}/elsewhere/"
    answer = athena.ask(session, "SELECT 1 AS one", ResultConfiguration={"OutputLocation": elsewhere})
    assert answer.state == "SUCCEEDED", answer.reason
    place = f"s3://{session.outputs['ResultsBucketName']}/athena/"
    assert answer.location.startswith(place)
    bucket, _, key = answer.location.removeprefix("s3://").partition("/")
    head = session.client("s3").head_object(Bucket=bucket, Key=key)
    assert head["SSEKMSKeyId"] == session.outputs["KeyArn"]


def test_query_over_the_limit_is_stopped(session: Session) -> None:
    """A query that would scan more than the work group allows does not succeed."""
    size = sum(
        entry["Size"]
        for page in session.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=session.outputs["RawBucketName"], Prefix="flights_copies/")
        for entry in page.get("Contents", [])
    )
    assert size > int(session.outputs["ScanLimitBytes"]), "the copies do not exceed the limit: run step 2"
    answer = athena.ask(session, athena.queries(session)["over_the_limit"])
    assert answer.state in ("FAILED", "CANCELLED")
    assert "limit" in answer.reason.lower()


def test_overwritten_object_was_restored(session: Session) -> None:
    """After an overwrite and a deletion the object is what it was, and its history tells both."""
    done = session.recall("restored")
    place = {"bucket": done["Bucket"], "key": done["Key"]}
    original = body(session, place, VersionId=done["original"])
    assert body(session, place, VersionId=done["damaged"]) != original
    assert body(session, place) == original
    assert original == (session.data / "flights.csv").read_bytes()
    history = session.client("s3").list_object_versions(Bucket=done["Bucket"], Prefix=done["Key"])
    latest = {version["VersionId"] for version in history["Versions"] if version["IsLatest"]}
    assert latest == {done["restored"]}
    assert history.get("DeleteMarkers", []) == []
