"""The caller passes flights on, tells what went wrong, and looks around truthfully."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError


class Runtime:
    """The SageMaker runtime as far as the caller uses it: notes what it is asked, answers what it is told to."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers, self.asked = answers, []

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return {"Body": io.BytesIO(answer.encode()), "InvokedProductionVariant": "main"}


REFUSED = ClientError(
    {
        "Error": {"Code": "ModelError", "Message": "Received client error (400) from primary"},
        "OriginalStatusCode": 400,
        "OriginalMessage": "Row 1 has 1 values\n",
        "ResponseMetadata": {"HTTPStatusCode": 424},
    },
    "InvokeEndpoint",
)
DENIED = ClientError(
    {"Error": {"Code": "AccessDeniedException", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}},
    "InvokeEndpoint",
)


@pytest.fixture
def caller(load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("ENDPOINT_NAME", "flights")
    return load("src/caller.py")


def answering(caller: ModuleType, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> Runtime:
    runtime = Runtime(list(answers))
    monkeypatch.setattr(caller, "runtime", runtime)
    return runtime


def test_flights_become_csv_and_answers_become_numbers(caller: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = answering(caller, monkeypatch, "0.25\n0.5\n")
    answer = caller.handler({"rows": [[1, 2.5, None], [0, 1, 2]], "inference_id": "a"}, None)
    assert answer == {"status": 200, "variant": "main", "predictions": [0.25, 0.5]}
    assert runtime.asked == [
        {
            "EndpointName": "flights",
            "Body": b"1,2.5,\n0,1,2\n",
            "ContentType": "text/csv",
            "Accept": "text/csv",
            "InferenceId": "a",
        }
    ]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ([], "must be an object"),
        ({}, "rows must be a list of lists"),
        ({"rows": []}, "rows must be a list of lists"),
        ({"rows": [[]]}, "rows must be a list of lists"),
        ({"rows": [1]}, "rows must be a list of lists"),
        ({"rows": [[1]], "times": 0}, "from 1 to 200; got 0"),
        ({"rows": [[1]], "times": 201}, "from 1 to 200; got 201"),
        ({"rows": [[1]], "times": True}, "from 1 to 200; got True"),
        ({"rows": [[1]], "inference_id": ""}, "1 to 64 characters"),
        ({"rows": [[1]], "inference_id": "x" * 65}, "1 to 64 characters"),
        ({"probe": "moon"}, "Unknown probe 'moon'. There are: internet, endpoint."),
    ],
)
def test_an_event_that_makes_no_sense_gets_400_and_no_request(
    caller: ModuleType, monkeypatch: pytest.MonkeyPatch, event: Any, reason: str
) -> None:
    runtime = answering(caller, monkeypatch, "0.5\n")
    answer = caller.handler(event, None)
    assert answer["status"] == 400
    assert reason in answer["error"]
    assert runtime.asked == []


@pytest.mark.parametrize(
    ("problem", "status", "reason"),
    [
        (REFUSED, 400, "Row 1 has 1 values"),
        (DENIED, 403, "AccessDeniedException"),
        (EndpointConnectionError(endpoint_url="https://runtime"), 504, "cannot be reached"),
    ],
    ids=["refused by the model", "denied", "no way"],
)
def test_what_went_wrong_is_told(
    caller: ModuleType, monkeypatch: pytest.MonkeyPatch, problem: Exception, status: int, reason: str
) -> None:
    answering(caller, monkeypatch, problem)
    answer = caller.handler({"rows": [[1]]}, None)
    assert answer["status"] == status
    assert reason in answer["error"]


def test_many_requests_are_counted(caller: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = answering(caller, monkeypatch, "0.5\n", REFUSED, "0.5\n")
    answer = caller.handler({"rows": [[1]], "times": 5}, None)
    assert answer == {"status": 200, "sent": 5, "failed": 1, "error": "400: Row 1 has 1 values"}
    assert len(runtime.asked) == 5


def test_an_open_way_to_the_internet_is_reported(caller: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN one public address that answers, on loopback, and one that refuses
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_server(("127.0.0.1", 0)) as closed:
        open_port, closed_port = listening.getsockname()[1], closed.getsockname()[1]
        closed.close()
        monkeypatch.setattr(caller, "PUBLIC", (("127.0.0.1", open_port), ("127.0.0.1", closed_port)))
        # WHEN the caller probes
        answer = caller.handler({"probe": "internet"}, None)
    # THEN it says which one it reached, and why it did not reach the other
    assert answer["reached"] == [f"127.0.0.1:{open_port}"]
    assert [entry["reached"] for entry in answer["tried"]] == [True, False]
    assert "refused" in answer["tried"][1]["error"].lower()


def test_probes_a_name_and_an_address_with_a_short_patience(caller: ModuleType) -> None:
    hosts = [host for host, _ in caller.PUBLIC]
    assert len(hosts) == 2
    assert [host.replace(".", "").isdigit() for host in hosts] == [False, True]
    assert caller.PATIENCE * len(hosts) < 15


def test_the_runtimes_name_is_resolved_where_the_caller_stands(
    caller: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        assert (host, port) == ("runtime.sagemaker.eu-west-1.amazonaws.com", 443)
        return [(0, 0, 0, "", ("10.0.64.9", 443)), (0, 0, 0, "", ("10.0.0.7", 443)), (0, 0, 0, "", ("10.0.0.7", 443))]

    monkeypatch.setattr(caller.socket, "getaddrinfo", resolve)
    answer = caller.handler({"probe": "endpoint"}, None)
    assert answer["host"] == "runtime.sagemaker.eu-west-1.amazonaws.com"
    assert answer["addresses"] == ["10.0.0.7", "10.0.64.9"]
