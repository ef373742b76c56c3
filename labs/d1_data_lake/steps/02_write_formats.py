"""Write one data set in six formats

Encode a week of flights as CSV, JSON lines, Avro, RecordIO-protobuf, Parquet and ORC on your machine, and upload each to
a folder of its own: what a source would send to the raw bucket, what was made for reading to the curated one. Then copy
the CSV file inside S3 until the copies are three times what one query may scan; step 5 needs them.
"""

import hashlib
import math
import sys
from importlib import import_module
from pathlib import Path

from botocore.exceptions import ClientError

from labkit.session import Session

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
formats = import_module("formats")

COPIES = "flights_copies"
TIMES_THE_LIMIT = 3


def run(session: Session) -> None:
    with (session.data / "flights.csv").open("rb") as file:
        flights = formats.FORMATS["csv"].read(file, formats.COLUMNS)
    raw, objects, rows = session.outputs["RawTableNames"].split(","), {}, []
    for name, form in formats.FORMATS.items():
        data, folder = form.write(flights), f"flights_{name}"
        bucket = session.outputs["RawBucketName" if folder in raw else "CuratedBucketName"]
        key = f"{folder}/flights.{form.suffix}"
        version, fresh = put(session, bucket, key, data)
        objects[name] = {"bucket": bucket, "key": key, "version": version, "size": len(data)}
        rows.append(
            {
                "format": name,
                "kept by": "column" if form.columnar else "row",
                "compression": form.codec,
                "bytes": f"{len(data):,}",
                "object": f"s3://{bucket}/{key}",
                "done": "uploaded" if fresh else "there already",
            }
        )
    session.table(f"{flights.num_rows} flights, {len(formats.COLUMNS)} columns", rows)
    session.remember("objects", objects)
    number = copy(session, objects["csv"])
    session.say(f"{number} copies of the CSV file stand in {COPIES}/: {number * objects['csv']['size']:,} bytes.")


def put(session: Session, bucket: str, key: str, data: bytes) -> tuple[str, bool]:
    """Upload what is not there yet; give the version and whether it is new."""
    s3, digest = session.client("s3"), hashlib.sha256(data).hexdigest()
    try:
        there = s3.head_object(Bucket=bucket, Key=key)
        if there["Metadata"].get("sha256") == digest and there.get("SSEKMSKeyId") == session.outputs["KeyArn"]:
            return there["VersionId"], False
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
            raise
    made = s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=data,
        Metadata={"sha256": digest},
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=session.outputs["KeyArn"],
    )
    return made["VersionId"], True


def copy(session: Session, source: dict[str, str]) -> int:
    """Copy an object inside S3 until the copies exceed what a query may scan."""
    s3, bucket = session.client("s3"), session.outputs["RawBucketName"]
    wanted = math.ceil(TIMES_THE_LIMIT * int(session.outputs["ScanLimitBytes"]) / source["size"])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{COPIES}/")
    there = {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}
    for key in (f"{COPIES}/flights-{number:03}.csv" for number in range(wanted)):
        if there.get(key) != source["size"]:
            s3.copy_object(
                Bucket=bucket,
                Key=key,
                CopySource={"Bucket": source["bucket"], "Key": source["key"], "VersionId": source["version"]},
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=session.outputs["KeyArn"],
            )
    return wanted
