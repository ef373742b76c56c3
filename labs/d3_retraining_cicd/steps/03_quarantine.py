"""Deliver a broken file

A supplier lost a column, writes weekdays as names and leaves labels out. The delivery starts the pipeline; its second
stage puts the file into quarantine, says why, and nothing is trained on it.
"""

import json
import sys
from importlib import import_module

from labkit.session import Session, StepFailed


def run(session: Session) -> None:
    sys.path.insert(0, str(session.src))
    following = import_module("following")
    train = following.Train(session)
    s3, bucket = session.client("s3"), session.outputs["DataBucketName"]
    if s3.list_objects_v2(Bucket=bucket, Prefix="quarantine/broken.csv").get("KeyCount", 0):
        session.say("The broken file is in quarantine already.")
        return
    known = train.known()
    following.deliver(session, "broken.csv")
    execution = train.next(known, "the delivery starts the pipeline")
    session.remember("broken", {"execution": execution})
    told = train.expect(execution, "Failed", stage="Validate")
    verdict = json.loads(s3.get_object(Bucket=bucket, Key="verdicts/broken.csv.json")["Body"].read())
    if verdict["verdict"] != "quarantine" or s3.list_objects_v2(Bucket=bucket, Prefix="accepted/broken").get(
        "Contents"
    ):
        raise StepFailed(f"broken.csv should be in quarantine alone: {verdict}")
    session.table("Why", [{"file": verdict["file"], "reason": reason} for reason in verdict["reasons"]])
    session.remember("broken", {"execution": execution, "told": told, "reasons": verdict["reasons"]})
