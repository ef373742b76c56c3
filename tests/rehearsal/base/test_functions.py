"""Functions in stacks: custom resources run the stack's own code, and layers are kept."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from tests.rehearsal.base.conftest import BOOTSTRAP, Cloud
from tests.rehearsal.base.every_type import att, ref, resource, trust

ANSWER = """
import json, urllib.request

def handler(event, context):
    given = event["ResourceProperties"]
    answer = {
        "Status": "FAILED" if given.get("Fail") == event["RequestType"] else "SUCCESS",
        "Reason": "as the test wishes",
        "PhysicalResourceId": "made-by-the-function",
        "StackId": event["StackId"], "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Told": f"{event['RequestType']} {given['Number']}"},
    }
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=body, method="PUT")).close()
"""


def custom(number: int, **more: str) -> dict[str, Any]:
    return {
        "Resources": {
            "Role": resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": trust("lambda.amazonaws.com")}),
            "Function": resource(
                "AWS::Lambda::Function",
                {
                    "Code": {"ZipFile": ANSWER},
                    "Handler": "index.handler",
                    "Runtime": "python3.12",
                    "Role": att("Role", "Arn"),
                    "Timeout": 30,
                },
            ),
            "Thing": resource("Custom::Thing", {"ServiceToken": att("Function", "Arn"), "Number": number, **more}),
        },
        "Outputs": {"Told": {"Value": att("Thing", "Told")}},
    }


def test_a_custom_resource_runs_the_stacks_own_code(cloud: Cloud) -> None:
    """GIVEN a custom resource WHEN created, changed and deleted THEN its function answers each time."""
    stack = cloud.create(custom(1))
    assert (stack.status, stack.reasons("CREATE_FAILED")) == ("CREATE_COMPLETE", {})
    assert stack.physical("Thing") == "made-by-the-function"
    assert stack.described["Outputs"][0]["OutputValue"] == "Create 1"

    assert stack.update(custom(2)) == "UPDATE_COMPLETE"
    assert stack.described["Outputs"][0]["OutputValue"] == "Update 2"

    assert stack.ledger()["Thing"]["label"] == "executed"
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_custom_resource_that_fails_fails_its_stack(cloud: Cloud) -> None:
    """GIVEN a function that answers FAILED WHEN created THEN the stack rolls back with the function's reason."""
    stack = cloud.create(custom(1, Fail="Create"))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "as the test wishes" in stack.reasons("CREATE_FAILED")["Thing"]
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_custom_resource_without_an_answer_fails_its_stack(cloud: Cloud) -> None:
    """GIVEN a function that dies WHEN created THEN the stack fails and names what the function returned."""
    template = custom(1)
    template["Resources"]["Function"]["Properties"]["Code"]["ZipFile"] = "def handler(event, context):\n    1 / 0\n"
    stack = cloud.create(template)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "division by zero" in stack.reasons("CREATE_FAILED")["Thing"]


def test_a_layer_is_published_and_deleted(cloud: Cloud) -> None:
    """GIVEN a layer and a function that uses it WHEN created and deleted THEN both are there, then gone."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("python/shared.py", "VALUE = 7\n")
    cloud.client("s3").put_object(Bucket=BOOTSTRAP, Key="layer.zip", Body=packed.getvalue())
    resources = custom(1)["Resources"]
    del resources["Thing"]
    content = {"S3Bucket": BOOTSTRAP, "S3Key": "layer.zip"}
    resources["Layer"] = resource(
        "AWS::Lambda::LayerVersion", {"Content": content, "CompatibleRuntimes": ["python3.12"]}
    )
    resources["Function"]["Properties"]["Layers"] = [ref("Layer")]

    stack = cloud.create(resources)

    assert (stack.status, stack.reasons("CREATE_FAILED")) == ("CREATE_COMPLETE", {})
    found = cloud.client("lambda").get_function_configuration(FunctionName=stack.physical("Function"))["Layers"]
    assert [layer["Arn"] for layer in found] == [stack.physical("Layer")]
    assert stack.delete() == "DELETE_COMPLETE"
