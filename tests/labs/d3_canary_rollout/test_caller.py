"""The caller tells each answer apart and measures how good the answers are."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

FAILED = ClientError(
    {
        "Error": {"Code": "ModelError", "Message": "Received server error (500) from primary"},
        "OriginalStatusCode": 500,
        "OriginalMessage": "Internal Server Error\n",
        "ResponseMetadata": {"HTTPStatusCode": 424},
    },
    "InvokeEndpoint",
)


@pytest.fixture
def caller(load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("ENDPOINT_NAME", "flights")
    monkeypatch.setenv("METRIC_NAMESPACE", "Labs/Test")
    return load("src/caller.py")


def answering(caller: ModuleType, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> list[dict[str, Any]]:
    """Have the endpoint answer so; returns the metrics that are put."""
    waiting, put = list(answers), []

    def invoke_endpoint(**request: Any) -> dict[str, Any]:
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"Body": io.BytesIO(answer.encode())}

    monkeypatch.setattr(caller, "runtime", SimpleNamespace(invoke_endpoint=invoke_endpoint))
    monkeypatch.setattr(caller, "metrics", SimpleNamespace(put_metric_data=lambda **given: put.append(given)))
    return put


def test_each_request_gets_its_own_answer_and_good_ones_are_scored(
    caller: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = answering(caller, monkeypatch, "0.5\n1.0\n", FAILED)
    answer = caller.handler({"requests": [[[1, None], [2, 3]], [[4, 5]]], "late": [[1, 1], [0]]}, None)
    assert [one["status"] for one in answer["answers"]] == [200, 500]
    assert answer["answers"][0]["predictions"] == [0.5, 1.0]
    assert answer["brier"] == pytest.approx(0.125)
    (given,) = put
    assert given["Namespace"] == "Labs/Test"
    assert given["MetricData"][0]["Dimensions"] == [{"Name": "EndpointName", "Value": "flights"}]
    assert given["MetricData"][0]["Value"] == pytest.approx(0.125)


def test_nothing_is_measured_where_nothing_is_answered(caller: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    put = answering(caller, monkeypatch, FAILED, EndpointConnectionError(endpoint_url="https://runtime"))
    answer = caller.handler({"requests": [[[1]], [[2]]], "late": [[0], [1]]}, None)
    assert [one["status"] for one in answer["answers"]] == [500, 504]
    assert answer["brier"] is None
    assert put == []


def test_without_outcomes_nothing_is_measured(caller: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    put = answering(caller, monkeypatch, "0.5\n")
    assert caller.handler({"requests": [[[1]]]}, None)["brier"] is None
    assert put == []


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ([], "must be an object"),
        ({}, "requests must be"),
        ({"requests": []}, "requests must be"),
        ({"requests": [[]]}, "requests must be"),
        ({"requests": [[[]]]}, "requests must be"),
        ({"requests": [[[1]]] * 201}, "1 to 200"),
        ({"requests": [[[1]]], "late": [[0, 1]]}, "late must have"),
        ({"requests": [[[1]]], "late": [1]}, "late must have"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(
    caller: ModuleType, monkeypatch: pytest.MonkeyPatch, event: Any, reason: str
) -> None:
    answering(caller, monkeypatch)
    answer = caller.handler(event, None)
    assert answer["status"] == 400
    assert reason in answer["error"]
