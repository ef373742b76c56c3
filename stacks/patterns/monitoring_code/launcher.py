"""Starts one isolated job per window of traffic, once, however often it is asked; tells why when there is nothing to do.

{"mode": "baseline"}                                     learn statistics and constraints from the data set
{"mode": "monitor", "kind": "fresh", "at": "<time>"}     what schedules send: the last whole hour before that time
{"mode": "monitor", "kind": "late", "at": "<time>"}      the hour whose outcomes are known by that time
{"mode": "monitor", "kind": "...", "start": "...", "end": "..."}   a window of your own, three hours at most
{..., "again": "b"}                                      the same window once more, under another name
"""

import json
import logging
import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

log = logging.getLogger()
log.setLevel(logging.INFO)

HOUR = timedelta(hours=1)
MOST_HOURS = 3  # a job takes ten inputs: four that are always there, these hours, and the days of their outcomes
INPUT = "/opt/ml/processing/input"
OUTPUT = "/opt/ml/processing/output"
KINDS = ("fresh", "late")

settings: dict[str, Any] = json.loads(os.environ.get("SETTINGS", "{}"))
s3 = boto3.client("s3")
sagemaker = boto3.client("sagemaker")


class RefusedError(Exception):
    """An event that makes no sense; the message says what to send instead."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Start the job that an event asks for; `job` is its name, or nothing with `because`."""
    mode = event.get("mode")
    again = event.get("again", "")
    if not re.fullmatch(r"[a-z0-9]{0,8}", again):
        raise RefusedError(f"again must be up to 8 small letters and digits; got {again!r}.")
    if mode == "baseline":
        return baseline(again)
    if mode != "monitor" or event.get("kind") not in KINDS:
        raise RefusedError('Send {"mode": "baseline"} or {"mode": "monitor", "kind": "fresh" or "late", ...}.')
    start, end = window(event)
    return monitor(str(event["kind"]), start, end, again)


def window(event: dict[str, Any]) -> tuple[datetime, datetime]:
    """The window that an event names, or the whole hour that its moment means."""
    if "start" in event:
        start, end = moment(event["start"]), moment(event["end"])
    else:
        back = settings["wait_hours"] if event["kind"] == "late" else 0
        end = moment(event["at"]).replace(minute=0, second=0, microsecond=0) - back * HOUR
        start = end - HOUR
    if start >= end or len(hours(start, end)) > MOST_HOURS:
        raise RefusedError(f"A window begins before it ends and touches {MOST_HOURS} hours at most: {start} to {end}.")
    return start, end


def baseline(again: str) -> dict[str, Any]:
    """Learn from the data set in the bucket of baselines."""
    if not holds(settings["baselines"], "dataset/"):
        return nothing(f"no data set lies under s3://{settings['baselines']}/dataset/")
    inputs = {"dataset": f"s3://{settings['baselines']}/dataset/"}
    environment = {"dataset_source": f"{INPUT}/dataset"}
    name = "-".join(
        part for part in (settings["prefix"], "baseline", f"{datetime.now(UTC):%Y%m%d%H%M%S}", again) if part
    )
    return launch(name, "baseline", inputs, environment, f"s3://{settings['baselines']}/current")


def monitor(kind: str, start: datetime, end: datetime, again: str) -> dict[str, Any]:
    """Compare a window of captured traffic with the baseline."""
    if not holds(settings["baselines"], "current/constraints.json"):
        return nothing("there is no baseline yet")
    inputs = {"baseline": f"s3://{settings['baselines']}/current/"}
    environment = {
        "dataset_source": f"{INPUT}/endpoint",
        "baseline_statistics": f"{INPUT}/baseline/statistics.json",
        "baseline_constraints": f"{INPUT}/baseline/constraints.json",
        "start_time": stamp(start),
        "end_time": stamp(end),
    }
    captured = list(parts(settings["captures"], settings["capture_prefix"], hours(start, end)))
    if not captured:
        return nothing(f"no request was captured from {stamp(start)} to {stamp(end)}")
    inputs |= {f"endpoint/{path}": uri for path, uri in captured}
    if kind == "late":
        # Outcomes are filed under the hour in which they were collected; days of them keep the inputs few.
        collected = sorted({hour[:10] for hour in hours(start, end + settings["wait_hours"] * HOUR)})
        known = list(parts(settings["outcomes"], settings["outcomes_prefix"], collected))
        if not known:
            return nothing(f"no outcome is known of the requests from {stamp(start)} to {stamp(end)}")
        inputs |= {f"ground_truth/{path}": uri for path, uri in known}
        environment["ground_truth_source"] = f"{INPUT}/ground_truth"
    name = "-".join(part for part in (settings["prefix"], kind, f"{end:%Y%m%d%H%M%S}", again) if part)
    return launch(name, "monitor", inputs, environment, f"s3://{settings['reports']}/{name}")


def launch(name: str, mode: str, inputs: dict[str, str], environment: dict[str, str], output: str) -> dict[str, Any]:
    """Start a job without a network; one of that name is left alone."""
    always = {"code": settings["code"], "config": settings["config"], "model": settings["model"]}
    given = always | inputs
    code, config = (f"{INPUT}/{part}/{always[part].rpartition('/')[2]}" for part in ("code", "config"))
    try:
        sagemaker.create_processing_job(
            ProcessingJobName=name,
            RoleArn=settings["role"],
            AppSpecification={"ImageUri": settings["image"], "ContainerEntrypoint": ["python3", code]},
            Environment={
                "mode": mode,
                "config": config,
                "model_source": f"{INPUT}/model",
                "output_path": OUTPUT,
                "sagemaker_endpoint_name": settings["endpoint"],
                **environment,
            },
            ProcessingInputs=[
                {
                    "InputName": re.sub(r"[^a-z0-9]+", "-", path),
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"{INPUT}/{path}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for path, uri in given.items()
            ],
            ProcessingOutputConfig={
                "KmsKeyId": settings["key"],
                "Outputs": [
                    {
                        "OutputName": "report",
                        "S3Output": {"S3Uri": output, "LocalPath": OUTPUT, "S3UploadMode": "EndOfJob"},
                    }
                ],
            },
            ProcessingResources={
                "ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType": settings["instance_type"],
                    "VolumeSizeInGB": 10,
                    "VolumeKmsKeyId": settings["key"],
                }
            },
            NetworkConfig={
                "EnableNetworkIsolation": True,
                "EnableInterContainerTrafficEncryption": True,
                "VpcConfig": {"Subnets": settings["subnets"], "SecurityGroupIds": settings["security_groups"]},
            },
            StoppingCondition={"MaxRuntimeInSeconds": settings["longest"]},
        )
    except sagemaker.exceptions.ResourceInUse:
        log.info("%s was started before", name)
        return {"job": name, "because": "it was started before"}
    log.info("started %s", name)
    return {"job": name}


def nothing(because: str) -> dict[str, Any]:
    log.info("nothing to do: %s", because)
    return {"job": None, "because": because}


def parts(bucket: str, prefix: str, wanted: list[str]) -> Any:
    """The hours or days under a prefix that hold anything, each with its URI."""
    return ((time, f"s3://{bucket}/{prefix}/{time}/") for time in wanted if holds(bucket, f"{prefix}/{time}/"))


def holds(bucket: str, prefix: str) -> bool:
    return bool(s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)["KeyCount"])


def hours(start: datetime, end: datetime) -> list[str]:
    """The hours that a window touches, as paths."""
    first = start.replace(minute=0, second=0, microsecond=0)
    count = -(-(end - first) // HOUR)
    return [f"{first + number * HOUR:%Y/%m/%d/%H}" for number in range(count)]


def moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError):
        raise RefusedError(f"Write a time like 2026-07-01T13:00:00Z; got {text!r}.") from None


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
