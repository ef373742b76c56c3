"""SageMaker: pipelines."""

from __future__ import annotations

import json
from typing import Any

from labkit.rehearsal.types.row import Properties, Scene
from labkit.rehearsal.types.table import simple


def _definition(scene: Scene, given: Properties) -> Properties:
    wanted: dict[str, Any] = given.pop("PipelineDefinition")
    body = wanted.get("PipelineDefinitionBody")
    if body is None:
        place = wanted["PipelineDefinitionS3Location"]
        version = {"VersionId": place["Version"]} if place.get("Version") else {}
        answer = scene.context.client("s3").get_object(Bucket=place["Bucket"], Key=place["Key"], **version)
        body = answer["Body"].read().decode()
    return {**given, "PipelineDefinition": body if isinstance(body, str) else json.dumps(body)}


def _by_name(scene: Scene) -> Properties:
    return {"PipelineName": scene.physical_id}


def _unique(scene: Scene) -> Properties:
    return {**_by_name(scene), "ClientRequestToken": f"labs-{scene.suffix}-{scene.logical_id}"[:128].ljust(32, "-")}


PIPELINE = simple(
    "AWS::SageMaker::Pipeline",
    "sagemaker",
    create="CreatePipeline",
    name="PipelineName",
    send=lambda scene, given: {**_definition(scene, given), "ClientRequestToken": _unique(scene)["ClientRequestToken"]},
    label="executed",
    read=("DescribePipeline", _by_name),
    unread={"ClientRequestToken": "makes a repeated request harmless"},
    update=("UpdatePipeline", _by_name),
    delete=("DeletePipeline", _unique),
)
