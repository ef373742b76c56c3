"""Upload the data

Flights of January to March in three channels, each of whole days: the training days, the validation days that say when
to stop, and the holdout days that nobody chooses by. S3 encrypts them with the lab's key, because the bucket says so.
"""

import hashlib

from labkit.session import Session, StepFailed

CHANNELS = ("train", "validation", "holdout")


def run(session: Session) -> None:
    s3, bucket, key = session.client("s3"), session.outputs["DataBucketName"], session.outputs["KeyArn"]
    rows, digests = [], {}
    for channel in CHANNELS:
        content = (session.data / f"{channel}.csv").read_bytes()
        place = f"{session.outputs['DataPrefix']}input/{channel}/{channel}.csv"
        s3.put_object(Bucket=bucket, Key=place, Body=content, ContentType="text/csv")
        head = s3.head_object(Bucket=bucket, Key=place)
        if head.get("SSEKMSKeyId") != key:
            raise StepFailed(f"s3://{bucket}/{place} is not encrypted with {key}.")
        digests[channel] = hashlib.sha256(content).hexdigest()
        rows.append({"channel": channel, "flights": content.count(b"\n") - 1, "version": head["VersionId"]})
    session.remember("data", digests)
    session.table("In the bucket", rows)
