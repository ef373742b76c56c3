"""Step Functions: state machines, interpreted for real."""

from __future__ import annotations

import json
from typing import Any

from labkit.rehearsal.types.row import Properties, Scene
from labkit.rehearsal.types.table import simple


def _definition(scene: Scene, given: Properties) -> Properties:
    text: Any = given.pop("DefinitionString", None) or given.pop("Definition", None)
    place = given.pop("DefinitionS3Location", None)
    if text is None and place:
        body = scene.context.client("s3").get_object(Bucket=place["Bucket"], Key=place["Key"])["Body"]
        text = body.read().decode()
    text = text if isinstance(text, str) else json.dumps(text)
    for name, value in given.pop("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    names = {"StateMachineName": "name", "StateMachineType": "type"}
    return {"definition": text, **{names.get(key, key): item for key, item in given.items()}}


ROWS = [
    simple(
        "AWS::StepFunctions::StateMachine",
        "stepfunctions",
        create="CreateStateMachine",
        name="StateMachineName",
        longest=80,
        send=_definition,
        label="executed",
        ref=lambda scene, answer: answer["stateMachineArn"],
        attributes=lambda scene, answer: {
            "Arn": answer["stateMachineArn"],
            "Name": answer["stateMachineArn"].rsplit(":", 1)[-1],
        },
        read=("DescribeStateMachine", lambda scene: {"stateMachineArn": scene.physical_id}),
        update=("UpdateStateMachine", lambda scene: {"stateMachineArn": scene.physical_id}),
        delete=("DeleteStateMachine", lambda scene: {"stateMachineArn": scene.physical_id}),
    ),
]
