"""An endpoint that answers wrongly, slowly or not at all goes no further: real flights, asked from inside the VPC."""

import csv
import io
import os
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from run import Run, keys, refuse

HOLDOUT_AFTER = 25  # day of the month; the model was not trained on these days
ROWS, AT_ONCE = 400, 40
LEAST_AUC = 0.6
SLOWEST = 2.0  # seconds


def flights(run: Run, bucket: str) -> tuple[list[list[str]], list[bool]]:
    """Flights of the newest days of each delivery, and which of them were late."""
    rows: list[list[str]] = []
    late: list[bool] = []
    deliveries = keys(run.s3, bucket, "accepted/")
    for entry in deliveries:
        text = run.s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode()
        held = [row for row in list(csv.reader(io.StringIO(text)))[1:] if int(row[0][-2:]) > HOLDOUT_AFTER]
        share = held[:: max(1, len(held) * len(deliveries) // ROWS)]
        rows += [row[2:] for row in share]
        late += [row[1] == "1" for row in share]
    return rows, late


def auc(late: list[bool], scores: list[float]) -> float:
    """Give the share of pairs of a late and a punctual flight that the scores put in order; a tie counts half."""
    ones = [score for score, is_late in zip(scores, late, strict=True) if is_late]
    others = [score for score, is_late in zip(scores, late, strict=True) if not is_late]
    ordered = sum((one > other) + (one == other) / 2 for one in ones for other in others)
    return ordered / (len(ones) * len(others))


def main() -> None:
    run, endpoint = Run(), os.environ["ENDPOINT_NAME"]
    runtime = boto3.client("sagemaker-runtime", config=Config(retries={"max_attempts": 0}))
    rows, late = flights(run, os.environ["DATA_BUCKET"])
    scores: list[float] = []
    slowest = 0.0
    for begin in range(0, len(rows), AT_ONCE):
        body = "".join(",".join(row) + "\n" for row in rows[begin : begin + AT_ONCE])
        began = time.monotonic()
        answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType="text/csv", Accept="text/csv")
        scores += [float(line) for line in answer["Body"].read().decode().split()]
        slowest = max(slowest, time.monotonic() - began)
    if len(scores) != len(rows) or not all(0 <= score <= 1 for score in scores):
        refuse(f"{len(rows)} flights were sent and {len(scores)} probabilities came back")
    reached = auc(late, scores)
    if reached < LEAST_AUC:
        refuse(f"AUC {reached:.3f} on {len(rows)} flights; at least {LEAST_AUC} is expected")
    if slowest > SLOWEST:
        refuse(f"a request of {AT_ONCE} flights took {slowest:.1f} s; {SLOWEST} s at most is expected")
    try:
        runtime.invoke_endpoint(EndpointName=endpoint, Body="1,2,3\n", ContentType="text/csv")
        refuse("a row of three values was answered; it must be refused")
    except ClientError as error:
        if error.response.get("OriginalStatusCode") != 400:
            refuse(f"a row of three values must be refused with 400, got {error}")
    run.keep(f"test-{endpoint}", {"auc": round(reached, 6), "flights": len(rows), "slowest_seconds": round(slowest, 3)})
    print(f"{endpoint}: AUC {reached:.3f} on {len(rows)} flights, slowest request {slowest:.2f} s")


if __name__ == "__main__":
    main()
