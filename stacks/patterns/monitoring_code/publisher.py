"""Turns the report of a finished job into metrics: a container without a network cannot call CloudWatch itself."""

import json
import logging
import os
from collections import Counter
from typing import Any

import boto3

log = logging.getLogger()
log.setLevel(logging.INFO)

settings: dict[str, Any] = json.loads(os.environ.get("SETTINGS", "{}"))
s3 = boto3.client("s3")
cloudwatch = boto3.client("cloudwatch")

FAULTS = "data-faults"
MOST = 500  # CloudWatch takes 1000 metrics in a call
# Which monitor a number of the report belongs to, by the beginning of its name. What stands here costs; the report
# itself holds more.
NUMBERS = {
    "data-quality": ("feature_baseline_drift_", "rows"),
    FAULTS: ("malformed_lines",),
    "label": ("label_rate",),
    "model-quality": ("accuracy", "auc", "brier_score", "f1", "log_loss", "precision", "recall"),
    "bias": ("bias_metric_AD", "bias_metric_DI", "bias_metric_DPL", "bias_metric_DPPL"),
    "attribution": ("attribution_ndcg",),
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Publish what the job of an event found, or that it failed."""
    job, status = event["detail"]["ProcessingJobName"], event["detail"]["ProcessingJobStatus"]
    kind = job.removeprefix(f"{settings['prefix']}-").partition("-")[0]
    data = [metric("job_failed", float(status == "Failed"), "jobs")]
    if status == "Completed" and kind in settings["kinds"]:
        data += found(job, settings["kinds"][kind])
    for start in range(0, len(data), MOST):
        cloudwatch.put_metric_data(Namespace=settings["namespace"], MetricData=data[start : start + MOST])
    log.info("%s %s: %d metrics", job, status, len(data))
    return {"job": job, "published": len(data)}


def found(job: str, monitors: list[str]) -> list[dict[str, Any]]:
    """The violations and numbers of a report, for the monitors that its kind of job serves.

    Broken input looks like drift of everything that depends on it, and training on it would do harm. A report of faults
    therefore says nothing about drift: those alarms stay as they are.
    """
    count = Counter(monitor_of(each) for each in read(job, "constraint_violations.json")["violations"])
    told = [monitor for monitor in monitors if monitor == FAULTS or not count[FAULTS]]
    data = [metric("violations", float(count[monitor]), monitor) for monitor in told]
    for entry in read(job, "metrics.json"):
        name = entry["MetricName"]
        data += [
            metric(name, entry["Value"], monitor, entry["Unit"])
            for monitor in monitors
            if name.startswith(NUMBERS[monitor])
        ]
    return data


def monitor_of(violation: dict[str, str]) -> str:
    """The monitor that a violation belongs to. A value of the wrong type is a fault, not drift: nothing to learn from."""
    check = violation["constraint_check_type"]
    if check == "bias_drift_check":
        return "bias"
    if check == "feature_attribution_drift_check":
        return "attribution"
    if "feature_name" not in violation:
        return "model-quality"
    if violation["feature_name"] == settings["label"]:
        return "label"
    return "data-quality" if check == "baseline_drift_check" else FAULTS


def read(job: str, name: str) -> Any:
    return json.loads(s3.get_object(Bucket=settings["reports"], Key=f"{job}/{name}")["Body"].read())


def metric(name: str, value: float, monitor: str, unit: str = "Count") -> dict[str, Any]:
    """A value under the dimensions that the alarms look at."""
    return {
        "MetricName": name,
        "Value": value,
        "Unit": unit,
        "Dimensions": [
            {"Name": "Endpoint", "Value": settings["endpoint"]},
            {"Name": "MonitoringSchedule", "Value": f"{settings['prefix']}-{monitor}"},
        ],
    }
