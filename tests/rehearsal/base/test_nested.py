"""Stacks within stacks."""

from __future__ import annotations

import json

from tests.rehearsal.base.conftest import BOOTSTRAP, Cloud
from tests.rehearsal.base.every_type import att, ref, resource

INNER = {
    "Parameters": {"Text": {"Type": "String"}},
    "Resources": {"Parameter": resource("AWS::SSM::Parameter", {"Type": "String", "Value": ref("Text")})},
    "Outputs": {"Name": {"Value": ref("Parameter")}},
}


def test_a_nested_stack_hands_its_outputs_up(cloud: Cloud) -> None:
    """GIVEN a stack in a stack WHEN created, changed and deleted THEN the inner one follows."""
    cloud.client("s3").put_object(Bucket=BOOTSTRAP, Key="inner.json", Body=json.dumps(INNER))
    url = f"{cloud.emulator.url}/{BOOTSTRAP}/inner.json"

    def outer(text: str) -> dict[str, object]:
        return {
            "Resources": {
                "Handle": resource("AWS::CloudFormation::WaitConditionHandle", {}),
                "Inner": resource("AWS::CloudFormation::Stack", {"TemplateURL": url, "Parameters": {"Text": text}}),
            },
            "Outputs": {"Name": {"Value": att("Inner", "Outputs.Name")}},
        }

    stack = cloud.create(outer("one"))
    assert (stack.status, stack.reasons("CREATE_FAILED")) == ("CREATE_COMPLETE", {})
    name = stack.described["Outputs"][0]["OutputValue"]
    ssm = cloud.client("ssm")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "one"

    assert stack.update(outer("two")) == "UPDATE_COMPLETE"
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "two"

    assert stack.delete() == "DELETE_COMPLETE"
    assert name not in [one["Name"] for one in ssm.describe_parameters()["Parameters"]]
