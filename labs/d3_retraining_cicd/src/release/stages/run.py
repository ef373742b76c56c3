"""What all stages share: what this run is, and notes that a later stage, or the same stage tried again, can read."""

import json
import os
import sys
import time
from typing import Any, NoReturn

import boto3
from botocore.exceptions import ClientError

NONE = "none"
LONGEST_WAIT = 3600  # seconds for one stage
GONE = ("NoSuchKey", "404", "NoSuchBucket")


class Run:
    """One execution of the release pipeline, known by its id; its notes lie below `runs/<id>/` in the models' bucket."""

    def __init__(self) -> None:
        self.id = os.environ["RUN_ID"]
        self.models = os.environ["MODELS_BUCKET"]
        self.prefix = f"runs/{self.id}"
        # An approved package that is released as it is, without training.
        self.package = os.environ.get("MODEL_PACKAGE", NONE)
        self.s3 = boto3.client("s3")

    @property
    def releases_a_package(self) -> bool:
        return self.package != NONE

    def keep(self, name: str, note: dict[str, Any]) -> None:
        """Keep a note of this run."""
        self.put(f"{self.prefix}/{name}.json", json.dumps(note, indent=1, sort_keys=True).encode())

    def note(self, name: str) -> dict[str, Any] | None:
        """A note of this run, if there is one."""
        return read(self.s3, self.models, f"{self.prefix}/{name}.json")

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.models, Key=key, Body=body)


class Training:
    """The execution of the SageMaker pipeline that belongs to a run."""

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self._sagemaker = boto3.client("sagemaker")

    def status(self) -> tuple[str, str]:
        """Its status, and why it failed."""
        found = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=self.arn)
        return found["PipelineExecutionStatus"], found.get("FailureReason", "")

    def steps(self) -> dict[str, dict[str, Any]]:
        """The steps it has begun, by name."""
        listed = self._sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=self.arn, MaxResults=100)
        return {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}

    def follow(self, done: Any) -> dict[str, dict[str, Any]]:
        """Wait until `done(steps)` or until the execution has ended, and give its steps."""
        began, pause = time.monotonic(), 0.5
        while True:
            status, _ = self.status()
            steps = self.steps()
            if done(steps) or status not in ("Executing", "Stopping"):
                return steps
            if time.monotonic() - began > LONGEST_WAIT:
                refuse(f"{self.arn} is {status} after {LONGEST_WAIT} seconds; retry the stage to wait longer")
            time.sleep(pause)
            pause = min(pause * 1.5, 15)

    def failure(self) -> str:
        """Why it failed: the reason of the step that did, else that of the whole."""
        reasons = [f"{name}: {step['FailureReason']}" for name, step in self.steps().items() if "FailureReason" in step]
        return "; ".join(reasons) or self.status()[1] or "no reason given"


def read(s3: Any, bucket: str, key: str) -> dict[str, Any] | None:
    """A JSON object of a bucket, if it is there."""
    try:
        found: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            return None
        raise
    return found


def keys(s3: Any, bucket: str, prefix: str) -> list[dict[str, Any]]:
    """The CSV files below a prefix, by name."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = [entry for page in pages for entry in page.get("Contents", []) if entry["Key"].endswith(".csv")]
    return sorted(found, key=lambda entry: str(entry["Key"]))


def refuse(reason: str) -> NoReturn:
    """End the stage as failed, with the reason as the last line of its log."""
    print(f"REFUSED: {reason}")
    sys.exit(1)
