"""Bring an overwritten and a deleted object back

Cut the CSV file in half by overwriting it, see that the old version is still there, and copy that version over the
damaged one: the content is equal again. Then delete the object: a delete marker hides it, nothing is gone. Remove the
marker, and the object is back.
"""

import sys
from importlib import import_module
from pathlib import Path

from botocore.exceptions import ClientError

from labkit.session import Session, StepFailed

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
formats = import_module("formats")


def run(session: Session) -> None:
    s3, place = session.client("s3"), session.recall("objects")["csv"]
    where = {"Bucket": place["bucket"], "Key": place["key"]}
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": session.outputs["KeyArn"]}
    original = s3.get_object(**where, VersionId=place["version"])
    data = original["Body"].read()
    try:
        damaged = s3.put_object(**where, Body=data[: len(data) // 2], **encrypted)["VersionId"]
        session.say(f"Overwritten: {rows(session, where)} instead of {count(data)} rows.")
    finally:
        # Also after an interruption the good version stands on top.
        restored = s3.copy_object(
            **where, CopySource={**where, "VersionId": place["version"]}, MetadataDirective="COPY", **encrypted
        )["VersionId"]
    if s3.get_object(**where)["Body"].read() != data:
        raise StepFailed("The restored object differs from the original.")
    session.say(f"Restored by copying version {place['version']}: {rows(session, where)} rows.")

    marker = s3.delete_object(**where)["VersionId"]
    try:
        s3.head_object(**where)
        raise StepFailed("The object is still visible after it was deleted.")
    except ClientError as error:
        session.say(f"Deleted: S3 answers {error.response['ResponseMetadata']['HTTPStatusCode']}; a marker hides it.")
    finally:
        s3.delete_object(**where, VersionId=marker)
    session.say(f"Marker removed: {rows(session, where)} rows.")
    session.table("Versions", versions(session, where))
    session.remember(
        "restored",
        {**where, "original": place["version"], "damaged": damaged, "restored": restored, "marker": marker},
    )


def versions(session: Session, where: dict[str, str]) -> list[dict[str, object]]:
    """List the versions of one object, newest first."""
    found = session.client("s3").list_object_versions(Bucket=where["Bucket"], Prefix=where["Key"])
    return [
        {"version": v["VersionId"], "bytes": f"{v['Size']:,}", "latest": v["IsLatest"], "from": v["LastModified"]}
        for v in found.get("Versions", [])
        if v["Key"] == where["Key"]
    ]


def rows(session: Session, where: dict[str, str]) -> int:
    return count(session.client("s3").get_object(**where)["Body"].read())


def count(data: bytes) -> int:
    """Count the whole rows of a CSV file."""
    whole = data[: data.rfind(b"\n") + 1]
    return formats.FORMATS["csv"].read(formats.Counted.over(whole), formats.COLUMNS).num_rows
