"""Calls of AWS are found in source without running it."""

from __future__ import annotations

import pytest

from labkit.review.provers.isolation.calls import Call, read_source
from labkit.review.provers.isolation.needs import actions_of

CASES: dict[str, tuple[str, set[tuple[str, str]]]] = {
    "client in a name": ('c = boto3.client("sqs")\nc.send_message()', {("sqs", "send_message")}),
    "client at once": ('boto3.client("sqs").send_message()', {("sqs", "send_message")}),
    "resource": ('boto3.resource("dynamodb").Table("t")', {("dynamodb", "Table")}),
    "session": ('boto3.Session().client("sqs").send_message()', {("sqs", "send_message")}),
    "session in a name": (
        's = boto3.session.Session()\nc = s.client("sqs")\nc.purge_queue()',
        {("sqs", "purge_queue")},
    ),
    "session that was given": ('def f(session):\n    session.client("sns").publish()', {("sns", "publish")}),
    "by keyword": ('boto3.client(service_name="sns").publish()', {("sns", "publish")}),
    "constant": ('NAME = "sns"\nc = boto3.client(NAME)\nc.publish()', {("sns", "publish")}),
    "one of two": ('c = boto3.client("sns" if x else "sqs")\nc.tag()', {("sns", "tag"), ("sqs", "tag")}),
    "in a loop": ('for n in ("sns", "sqs"):\n    boto3.client(n)', {("sns", ""), ("sqs", "")}),
    "in a class": (
        'class A:\n    def __init__(self):\n        self.c = boto3.client("sns")\n    def f(self):\n        self.c.publish()',
        {("sns", "publish")},
    ),
    "from a function": ('def made():\n    return boto3.client("sns")\nmade().publish()', {("sns", "publish")}),
    "paginator": ('c = boto3.client("s3")\nc.get_paginator("list_objects_v2").paginate()', {("s3", "list_objects_v2")}),
    "waiter": ('c = boto3.client("s3")\nc.get_waiter("object_exists").wait()', {("s3", "head_object")}),
    "exceptions are no call": ('c = boto3.client("s3")\ntry: pass\nexcept c.exceptions.NoSuchKey: pass', {("s3", "")}),
    "unknown": ("boto3.client(name())", {("", "")}),
    "something else": ('http.client("sqs").send()', set()),
}


@pytest.mark.parametrize("name", CASES)
def test_a_call_is_found(name: str) -> None:
    source, expected = CASES[name]
    found = read_source(f"import boto3\n{source}\n", "a.py").calls
    assert {(call.client, call.operation) for call in found} == expected


def test_other_names_of_boto3_are_followed() -> None:
    source = (
        'import boto3 as b\nfrom boto3 import client as made\nb.client("sns").publish()\nmade("sqs").purge_queue()\n'
    )
    found = read_source(source, "a.py").calls
    assert {call.client for call in found} == {"sns", "sqs"}


@pytest.mark.parametrize(
    "source",
    [
        "import awswrangler as wr",
        "from sagemaker.session import Session",
        "from pyarrow.fs import S3FileSystem",
        'import subprocess\nsubprocess.run(["aws", "s3", "ls"])',
        "def broken(:",
    ],
)
def test_code_that_calls_aws_in_other_ways_is_doubted(source: str) -> None:
    assert read_source(source, "a.py").doubts


def test_plain_code_is_not_doubted() -> None:
    assert read_source('import json\nimport subprocess\nsubprocess.run(["ls"])', "a.py").doubts == ()


@pytest.mark.parametrize(
    ("client", "operation", "actions"),
    [
        ("sagemaker-runtime", "invoke_endpoint", ("sagemaker:InvokeEndpoint",)),
        ("s3", "list_objects_v2", ("s3:ListBucket",)),
        ("s3", "copy_object", ("s3:GetObject", "s3:PutObject")),
        ("cloudwatch", "put_metric_data", ("cloudwatch:PutMetricData",)),
        ("lambda", "invoke", ("lambda:InvokeFunction",)),
        ("s3", "no_such_operation", ()),
    ],
)
def test_an_operation_has_the_action_that_policies_name(client: str, operation: str, actions: tuple[str, ...]) -> None:
    assert actions_of(Call(client, operation, "a.py:1")) == actions
