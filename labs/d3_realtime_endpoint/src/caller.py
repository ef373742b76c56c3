"""Asks the endpoint from inside the VPC, and looks around there; a request that makes no sense gets 400 and the reason.

{"rows": [[1, 2, ...], ...]}    predictions of these flights; a missing value is null
{..., "inference_id": "a"}      the same, with an id that is captured beside the request
{..., "times": 50}              the same request sent so often, counted instead of shown
{"probe": "internet"}           tries to open connections to public addresses
{"probe": "endpoint"}           tells what address the name of the SageMaker runtime has here
"""

import ipaddress
import os
import socket
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# A name and an address: the name shows that DNS alone opens no way out.
PUBLIC = (("aws.amazon.com", 443), ("1.1.1.1", 443))
MOST_TIMES = 200
PATIENCE = 3  # seconds for one connection

runtime = boto3.client(
    "sagemaker-runtime", config=Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 0})
)


def handler(event: object, context: object) -> dict[str, Any]:
    """Answer one event; the key `status` says how it went, in the manner of HTTP."""
    if not isinstance(event, dict):
        return refuse('The event must be an object such as {"rows": [[...]]}.')
    probe = event.get("probe")
    if probe is not None:
        probes = {"internet": internet, "endpoint": endpoint}
        if probe not in probes:
            return refuse(f"Unknown probe {probe!r}. There are: {', '.join(probes)}.")
        return {"status": 200, "probe": probe, **probes[probe]()}
    rows, times, name = event.get("rows"), event.get("times", 1), event.get("inference_id")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        return refuse('rows must be a list of lists of numbers, such as {"rows": [[1, 2, null]]}.')
    if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= MOST_TIMES:
        return refuse(f"times must be a whole number from 1 to {MOST_TIMES}; got {times!r}.")
    if name is not None and not (isinstance(name, str) and 1 <= len(name) <= 64):
        return refuse(f"inference_id must be a text of 1 to 64 characters; got {name!r}.")
    body = "".join(",".join("" if cell is None else str(cell) for cell in row) + "\n" for row in rows)
    return ask(body, name) if times == 1 else ask_often(body, times)


def ask(body: str, name: str | None = None) -> dict[str, Any]:
    """Send one request and read the probabilities."""
    more = {"InferenceId": name} if name else {}
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=os.environ["ENDPOINT_NAME"],
            Body=body.encode(),
            ContentType="text/csv",
            Accept="text/csv",
            **more,
        )
    except ClientError as error:
        status, reason = told(error)
        return {"status": status, "error": reason}
    except BotoCoreError as error:
        return {"status": 504, "error": f"The SageMaker runtime cannot be reached: {error}"}
    predictions = [float(line) for line in answer["Body"].read().decode().split()]
    return {"status": 200, "variant": answer["InvokedProductionVariant"], "predictions": predictions}


def ask_often(body: str, times: int) -> dict[str, Any]:
    """Send the same request again and again; an error is counted by its status, and the last one is shown."""
    sent: dict[str, Any] = {"status": 200, "sent": times, "failed": 0, "error": None}
    for _ in range(times):
        answer = ask(body)
        if answer["status"] != 200:
            sent["failed"] += 1
            sent["error"] = f"{answer['status']}: {answer['error']}"
    return sent


def told(error: ClientError) -> tuple[int, str]:
    """Give what the model answered; an error of another kind is told with the status of the call itself."""
    if error.response["Error"]["Code"] == "ModelError":
        return error.response["OriginalStatusCode"], error.response["OriginalMessage"].strip()
    return error.response["ResponseMetadata"]["HTTPStatusCode"], str(error)


def internet() -> dict[str, Any]:
    """Try to reach public addresses; nothing is sent to them."""
    tried = []
    for host, port in PUBLIC:
        try:
            socket.create_connection((host, port), timeout=PATIENCE).close()
            tried.append({"target": f"{host}:{port}", "reached": True, "error": None})
        except OSError as error:
            tried.append({"target": f"{host}:{port}", "reached": False, "error": str(error) or type(error).__name__})
    return {"reached": [entry["target"] for entry in tried if entry["reached"]], "tried": tried}


def endpoint() -> dict[str, Any]:
    """Resolve the host that the SageMaker runtime client talks to."""
    url = urlsplit(runtime.meta.endpoint_url)
    found = socket.getaddrinfo(url.hostname, url.port or 443, type=socket.SOCK_STREAM)
    addresses = sorted({entry[4][0] for entry in found}, key=lambda text: ipaddress.ip_address(text).packed)
    return {"host": url.hostname, "addresses": addresses}


def refuse(reason: str) -> dict[str, Any]:
    return {"status": 400, "error": reason}
