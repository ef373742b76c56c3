"""CloudFormation within CloudFormation: nested stacks and wait conditions."""

from __future__ import annotations

from labkit.rehearsal.stacks.faults import ResourceFailed
from labkit.rehearsal.types.row import Made, Row, Scene, nothing


def _done(scene: Scene, stack_id: str) -> Made:
    client = scene.context.client("cloudformation", scene.region)
    import time

    while (stack := client.describe_stacks(StackName=stack_id)["Stacks"][0])["StackStatus"].endswith("IN_PROGRESS"):
        time.sleep(0.02)
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"):
        raise ResourceFailed(
            f"Embedded stack {stack_id} was not successfully created: {stack.get('StackStatusReason', '')}"
        )
    outputs = {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in stack.get("Outputs", [])}
    return Made(stack_id, outputs)


def _parameters(scene: Scene) -> list[dict[str, str]]:
    given = scene.take("Parameters").get("Parameters", {})
    return [
        {"ParameterKey": key, "ParameterValue": ",".join(value) if isinstance(value, list) else str(value)}
        for key, value in given.items()
    ]


def _create(scene: Scene) -> Made:
    parameters = _parameters(scene)
    answer = scene.call(
        "cloudformation",
        "CreateStack",
        {
            "StackName": scene.generated(longest=128),
            "Parameters": parameters,
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            **scene.take("TemplateURL", "TemplateBody", "Tags"),
        },
    )
    scene.physical_id = answer["StackId"]
    return _done(scene, answer["StackId"])


def _update(scene: Scene) -> Made:
    parameters = _parameters(scene)
    scene.call(
        "cloudformation",
        "UpdateStack",
        {
            "StackName": scene.physical_id,
            "Parameters": parameters,
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            **scene.take("TemplateURL", "TemplateBody", "Tags"),
        },
    )
    return _done(scene, scene.physical_id)


def _delete(scene: Scene) -> None:
    scene.call("cloudformation", "DeleteStack", {"StackName": scene.physical_id})
    _done(scene, scene.physical_id)


ROWS = [
    Row(type="AWS::CloudFormation::Stack", label="executed", create=_create, update=_update, delete=_delete),
    Row(
        type="AWS::CloudFormation::WaitConditionHandle",
        label="recorded",
        delete=nothing,
        create=lambda scene: Made(f"{scene.context.url}/rehearsal/{scene.generated()}"),
        update=lambda scene: Made(scene.physical_id),
    ),
]
