"""Read what was captured

The endpoint writes each request and its answer to the capture bucket as JSON lines, a few minutes later. Find the
request of the step before by its inference id, and look at the key that encrypts the object.
"""

import json
from collections.abc import Iterator

from labkit.session import Session, StepFailed


def run(session: Session) -> None:
    wanted = session.recall("first_prediction")["inference_id"]
    key, record = session.wait(
        "the request appears in the capture bucket", lambda: find(session, wanted), timeout=900, every=30
    )
    data = record["captureData"]
    bucket = session.outputs["CaptureBucketName"]
    head = session.client("s3").head_object(Bucket=bucket, Key=key)
    if head.get("SSEKMSKeyId") != session.outputs["KeyArn"]:
        raise StepFailed(f"s3://{bucket}/{key} is encrypted with {head.get('SSEKMSKeyId', 'no KMS key')}.")
    if "endpointInput" not in data or "endpointOutput" not in data:
        raise StepFailed(f"s3://{bucket}/{key} holds {', '.join(data)}; both input and output are to be captured.")
    first_row, first_answer = (data[part]["data"].splitlines()[0] for part in ("endpointInput", "endpointOutput"))
    session.table(
        "One captured request",
        [
            {"what": "object", "value": key},
            {"what": "encrypted with", "value": head["SSEKMSKeyId"]},
            {"what": "inference id", "value": record["eventMetadata"]["inferenceId"]},
            {"what": "time", "value": record["eventMetadata"]["inferenceTime"]},
            {"what": "first row sent", "value": first_row},
            {"what": "first answer", "value": first_answer},
        ],
    )
    (session.folder / "captured.json").write_text(json.dumps(record, indent=2) + "\n")
    session.remember("capture", {"key": key, "encrypted_with": head["SSEKMSKeyId"]})


def find(session: Session, inference_id: str) -> tuple[str, dict[str, object]] | None:
    """Find the newest captured record of a request."""
    newest_first = sorted(objects(session), key=lambda item: item["LastModified"], reverse=True)
    for item in newest_first:
        body = session.client("s3").get_object(Bucket=session.outputs["CaptureBucketName"], Key=item["Key"])["Body"]
        for line in reversed(body.read().decode().splitlines()):
            record = json.loads(line)
            if record["eventMetadata"].get("inferenceId") == inference_id:
                return item["Key"], record
    return None


def objects(session: Session) -> Iterator[dict[str, object]]:
    prefix = f"{session.outputs['CapturePrefix']}/{session.outputs['EndpointName']}/{session.outputs['VariantName']}/"
    pages = session.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=session.outputs["CaptureBucketName"], Prefix=prefix):
        yield from page.get("Contents", [])
