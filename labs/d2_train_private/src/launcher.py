"""Starts and stops training jobs from the one definition that the stack gave it; nothing in it is the caller's to change.

{"start": "a"}                                      a job with the default hyperparameters; a name is used once
{"start": "b", "hyperparameters": {"eta": 0.2}}     with others
{"start": "b", "checkpoints": "a"}                  goes on from the checkpoints of that name; default: its own
{"stop": "<job name>"}                              asks a job of this stack to end
{"show": true}                                      the definition
"""

import json
import os
import re
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
# Hyperparameters of the training script, with the least and the most that makes sense.
ALLOWED = {
    "num_round": (1, 1000),
    "early_stopping_rounds": (0, 1000),
    "max_depth": (1, 12),
    "eta": (0.001, 1),
    "lambda": (0, 1000),
    "alpha": (0, 1000),
    "gamma": (0, 1000),
    "min_child_weight": (0, 1000),
    "subsample": (0.1, 1),
    "colsample_bytree": (0.1, 1),
    "seed": (0, 2**31 - 1),
    "pause": (0, 10),
}

sagemaker = boto3.client("sagemaker", config=Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 2}))


def handler(event: object, context: object) -> dict[str, Any]:
    """Answer one event; the key `status` says how it went, in the manner of HTTP."""
    definition, prefix = json.loads(os.environ["JOB_DEFINITION"]), os.environ["JOB_PREFIX"].lower()
    if not isinstance(event, dict):
        return refuse('The event must be an object such as {"start": "first"}.')
    if "show" in event:
        return {"status": 200, "definition": definition}
    try:
        if "stop" in event:
            return stop(str(event["stop"]), prefix)
        return start(event, definition, prefix)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return {"status": 502, "error": f"SageMaker refused ({code}): {error.response['Error']['Message']}"}


def start(event: dict[str, Any], definition: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Start a job."""
    name = event.get("start")
    checkpoints = event.get("checkpoints", name)
    for label, given in (("start", name), ("checkpoints", checkpoints)):
        if not isinstance(given, str) or not NAME.fullmatch(given):
            return refuse(
                f"{label} must be 1 to 30 lower-case letters, digits or hyphens, first a letter; got {given!r}."
            )
    hyperparameters = event.get("hyperparameters", {})
    if not isinstance(hyperparameters, dict):
        return refuse('hyperparameters must be an object such as {"eta": 0.2}.')
    for key, value in hyperparameters.items():
        if key not in ALLOWED:
            return refuse(f"Unknown hyperparameter {key!r}. There are: {', '.join(ALLOWED)}.")
        least, most = ALLOWED[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            return refuse(f"{key} must be a number from {least} to {most}; got {value!r}.")
    unknown = set(event) - {"start", "hyperparameters", "checkpoints"}
    if unknown:
        return refuse(
            f"Unknown member {', '.join(sorted(unknown))}. The rest of a job is the stack's, not the caller's."
        )
    job = f"{prefix}-{name}"
    place = definition["CheckpointConfig"]
    sagemaker.create_training_job(
        **{
            **definition,
            "TrainingJobName": job,
            "HyperParameters": {
                **definition["HyperParameters"],
                **{key: json.dumps(value) for key, value in hyperparameters.items()},
            },
            "CheckpointConfig": {**place, "S3Uri": f"{place['S3Uri']}{checkpoints}/"},
        }
    )
    return {"status": 200, "job": job}


def stop(job: str, prefix: str) -> dict[str, Any]:
    """Ask a job to end; one that has ended is left alone."""
    if not job.startswith(f"{prefix}-"):
        return refuse(f"{job!r} is no job of this stack; theirs begin with {prefix}-.")
    sagemaker.stop_training_job(TrainingJobName=job)
    return {"status": 200, "job": job}


def refuse(why: str) -> dict[str, Any]:
    """A request that cannot be meant."""
    return {"status": 400, "error": why}
