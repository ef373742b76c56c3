"""A Lambda function's own code runs, as its runtime would run it."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

import pytest

CODE = """
import json, logging, os, sys, time
import boto3
from helper import double

logging.getLogger().setLevel(logging.INFO)
calls = 0

def handler(event, context):
    global calls
    calls += 1
    logging.info("call %d", calls)
    print("plain output")
    if event.get("fail"):
        raise ValueError("I was asked to fail")
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("exit"):
        os._exit(1)
    if event.get("call"):
        import urllib.request
        urllib.request.urlopen("http://192.0.2.1/", timeout=2)
    if event.get("object"):
        return object()
    if event.get("bucket"):
        return sorted(bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"])
    return {
        "double": double(event.get("number", 0)), "calls": calls, "stage": os.environ["STAGE"],
        "name": context.function_name, "memory": context.memory_limit_in_mb, "arn": context.invoked_function_arn,
        "left": context.get_remaining_time_in_millis(), "group": context.log_group_name,
    }
"""


def package(**files: str) -> bytes:
    """A zip with these modules."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return out.getvalue()


class Lab:
    """Creates and calls functions."""

    def __init__(self, emulator: Any) -> None:
        self.emulator, self.functions = emulator, emulator.client("lambda")
        policy = json.dumps({"Version": "2012-10-17", "Statement": []})
        self.role = emulator.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument=policy)["Role"][
            "Arn"
        ]

    def create(self, name: str, code: str = CODE, **more: Any) -> None:
        """A function of ``code``."""
        self.functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="main.handler",
            Role=self.role,
            Code={"ZipFile": package(main=code, helper="def double(number):\n    return 2 * number\n")},
            **{"Environment": {"Variables": {"STAGE": "lab"}}, "Timeout": 30, **more},
        )

    def call(self, name: str, **event: Any) -> tuple[Any, Any]:
        """The answer and the whole response."""
        response = self.functions.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
        return json.loads(response["Payload"].read()), response


@pytest.fixture(scope="module")
def lab(emulator: Any) -> Lab:
    """The lab with one function."""
    lab = Lab(emulator)
    lab.create("caller", LoggingConfig={"LogGroup": "/lab/caller"}, MemorySize=256)
    return lab


def test_a_function_runs_with_its_modules_variables_and_context_and_stays_warm(lab: Lab) -> None:
    # WHEN it is called twice
    first, _ = lab.call("caller", number=21)
    second, response = lab.call("caller", number=4)
    # THEN its own code answered, in the same process
    assert (first["double"], second["double"]) == (42, 8)
    assert (first["calls"], second["calls"]) == (1, 2)
    assert (second["stage"], second["name"], second["memory"]) == ("lab", "caller", "256")
    assert 0 < second["left"] <= 30_000
    assert second["arn"].endswith(":function:caller")
    assert "FunctionError" not in response


def test_output_goes_to_the_configured_group_and_to_the_tail(lab: Lab) -> None:
    # WHEN a function prints and logs
    _, response = lab.call("caller", number=1)
    # THEN both are in the tail and in its log group, between START and REPORT
    tail = base64.b64decode(response["LogResult"]).decode()
    assert tail.startswith("START RequestId: ")
    assert "\nplain output\n" in tail
    assert "[INFO]\t" in tail
    assert "\nREPORT RequestId: " in tail
    events = lab.emulator.client("logs").filter_log_events(logGroupName="/lab/caller")["events"]
    assert sum(event["message"] == "plain output" for event in events) >= 1
    assert lab.functions.get_function_configuration(FunctionName="caller")["LoggingConfig"]["LogGroup"] == "/lab/caller"


def test_an_exception_is_an_unhandled_error_with_type_message_and_trace(lab: Lab) -> None:
    document, response = lab.call("caller", fail=True)
    assert response["FunctionError"] == "Unhandled"
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "I was asked to fail")
    assert document["stackTrace"][0].startswith('  File "/var/task/main.py", line ')


def test_a_result_that_is_no_json_is_a_marshal_error(lab: Lab) -> None:
    document, response = lab.call("caller", object=True)
    assert response["FunctionError"] == "Unhandled"
    assert document["errorType"] == "Runtime.MarshalError"


def test_a_function_is_stopped_at_its_timeout_and_starts_anew(lab: Lab) -> None:
    # GIVEN a function with a second
    lab.create("slow", Timeout=1)
    # WHEN it sleeps longer
    document, response = lab.call("slow", sleep=30)
    # THEN it is stopped, and the next call finds a fresh process
    assert response["FunctionError"] == "Unhandled"
    assert document["errorType"] == "Sandbox.Timedout"
    assert document["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert lab.call("slow")[0]["calls"] == 1


def test_a_function_that_exits_is_an_error(lab: Lab) -> None:
    assert lab.call("slow", exit=True)[0]["errorType"] == "Runtime.ExitError"


@pytest.mark.parametrize(
    ("code", "kind"),
    [("import nowhere\n", "Runtime.ImportModuleError"), ("x = 1\n", "Runtime.HandlerNotFound")],
)
def test_a_function_that_cannot_start_says_why(lab: Lab, code: str, kind: str) -> None:
    name = kind.replace(".", "-")
    lab.create(name, code)
    document, response = lab.call(name)
    assert response["FunctionError"] == "Unhandled"
    assert document["errorType"] == kind


def test_a_function_reaches_the_emulator_and_nothing_else(lab: Lab) -> None:
    # GIVEN a bucket
    lab.emulator.client("s3").create_bucket(Bucket="seen-by-function")
    # THEN the function's own boto3 sees it
    assert "seen-by-function" in lab.call("caller", bucket=True)[0]
    # AND an address elsewhere is refused
    assert "only the emulator can be reached" in lab.call("caller", call=True)[0]["errorMessage"]


def test_new_code_is_what_runs_next(lab: Lab) -> None:
    # GIVEN a function that ran
    lab.create("changing", "def handler(event, context):\n    return 'old'\n")
    assert lab.call("changing")[0] == "old"
    # WHEN its code is replaced
    lab.functions.update_function_code(
        FunctionName="changing", ZipFile=package(main="def handler(event, context):\n    return 'new'\n")
    )
    # THEN the new code answers
    assert lab.call("changing")[0] == "new"
    lab.functions.delete_function(FunctionName="changing")


def test_an_asynchronous_failure_is_tried_twice_more_and_then_a_dead_letter(lab: Lab) -> None:
    # GIVEN a failing function with a dead-letter queue
    sqs = lab.emulator.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    lab.create("doomed", DeadLetterConfig={"TargetArn": arn})
    # WHEN it is invoked as an event
    answer = lab.functions.invoke(FunctionName="doomed", InvocationType="Event", Payload=b'{"fail": true}')
    assert answer["StatusCode"] == 202
    lab.emulator.advance(60)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    lab.emulator.advance(300)
    # THEN it ran three times and the event lies in the queue
    events = lab.emulator.client("logs").filter_log_events(logGroupName="/aws/lambda/doomed")["events"]
    assert sum(event["message"].startswith("START") for event in events) == 3
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"fail": True}
