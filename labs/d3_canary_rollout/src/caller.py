"""Asks the endpoint from inside the VPC, many times, and measures how good the answers to flights with known outcome are.

{"requests": [[[1, 2, null], ...], ...]}     one answer per request: status, and probabilities or the error
{..., "late": [[0, 1, ...], ...]}            the same; the mean squared error of the answers becomes a metric
"""

import os
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

MOST_REQUESTS = 200

patience = Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 0})
runtime = boto3.client("sagemaker-runtime", config=patience)
metrics = boto3.client("cloudwatch", config=patience)


def handler(event: object, context: object) -> dict[str, Any]:
    """Answer one event; the key `status` says whether it made sense, in the manner of HTTP."""
    if not isinstance(event, dict):
        return refuse('The event must be an object such as {"requests": [[[...]]]}.')
    requests, late = event.get("requests"), event.get("late")
    if not isinstance(requests, list) or not 1 <= len(requests) <= MOST_REQUESTS or not all(map(rows, requests)):
        return refuse(f"requests must be 1 to {MOST_REQUESTS} lists of rows; a row is a list of numbers.")
    if late is not None and not fits(late, requests):
        return refuse("late must have one 0 or 1 for each row of each request.")
    answers = [ask(request) for request in requests]
    brier = score(answers, late) if late else None
    if brier is not None:
        metrics.put_metric_data(
            Namespace=os.environ["METRIC_NAMESPACE"],
            MetricData=[
                {
                    "MetricName": "BrierScore",
                    "Dimensions": [{"Name": "EndpointName", "Value": os.environ["ENDPOINT_NAME"]}],
                    "Value": brier,
                }
            ],
        )
    return {"status": 200, "answers": answers, "brier": brier}


def rows(request: object) -> bool:
    return isinstance(request, list) and bool(request) and all(isinstance(row, list) and row for row in request)


def fits(late: object, requests: list[list[Any]]) -> bool:
    if not isinstance(late, list) or not all(isinstance(one, list) for one in late):
        return False
    return [len(one) for one in late] == [len(one) for one in requests]


def ask(request: list[list[float | None]]) -> dict[str, Any]:
    """Send one request and read the probabilities; an error is told with the status that the model gave."""
    body = "".join(",".join("" if cell is None else str(cell) for cell in row) + "\n" for row in request)
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=os.environ["ENDPOINT_NAME"], Body=body.encode(), ContentType="text/csv", Accept="text/csv"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ModelError":
            return {"status": error.response["OriginalStatusCode"], "error": error.response["OriginalMessage"].strip()}
        return {"status": error.response["ResponseMetadata"]["HTTPStatusCode"], "error": str(error)}
    except BotoCoreError as error:
        return {"status": 504, "error": f"The SageMaker runtime cannot be reached: {error}"}
    return {"status": 200, "predictions": [float(line) for line in answer["Body"].read().decode().split()]}


def score(answers: list[dict[str, Any]], late: list[list[int]]) -> float | None:
    """Give the mean squared error of the probabilities; None if nothing was answered."""
    errors = [
        (probability - outcome) ** 2
        for answer, outcomes in zip(answers, late, strict=True)
        if answer["status"] == 200
        for probability, outcome in zip(answer["predictions"], outcomes, strict=True)
    ]
    return sum(errors) / len(errors) if errors else None


def refuse(reason: str) -> dict[str, Any]:
    return {"status": 400, "error": reason}
