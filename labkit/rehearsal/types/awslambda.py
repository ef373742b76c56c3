"""Lambda: functions with their versions, aliases, permissions, layers and event sources."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from labkit.rehearsal.types.row import Made, Row, Scene
from labkit.rehearsal.types.table import by, deleting, simple

SETTINGS = (
    "Description",
    "Environment",
    "EphemeralStorage",
    "FileSystemConfigs",
    "Handler",
    "ImageConfig",
    "KmsKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "Timeout",
    "TracingConfig",
    "VpcConfig",
    "DeadLetterConfig",
    "SnapStart",
)
AT_BIRTH = ("Architectures", "PackageType", "CodeSigningConfigArn")
HANDLERS = {"python": "index.py", "nodejs": "index.js"}


def _code(scene: Scene) -> dict[str, Any]:
    """The function's code as the API takes it; inline text becomes a zip with one file, as CloudFormation does."""
    code = dict(scene.take("Code")["Code"])
    text = code.pop("ZipFile", None)
    if text is None:
        return code
    runtime = str(scene.properties.get("Runtime", "python"))
    name = next((file for start, file in HANDLERS.items() if runtime.startswith(start)), "index.py")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return {"ZipFile": packed.getvalue()}


def _create(scene: Scene) -> Made:
    name = scene.name("FunctionName", longest=64)
    settings = scene.take(*SETTINGS)
    scene.call(
        "lambda",
        "CreateFunction",
        {"FunctionName": name, "Code": _code(scene), **settings, **scene.take(*AT_BIRTH, "Tags")},
    )
    scene.physical_id = name
    _concurrency(scene)
    read = scene.call("lambda", "GetFunctionConfiguration", {"FunctionName": name})
    read["Layers"] = [layer["Arn"] for layer in read.get("Layers", [])]
    scene.kept(settings, read, but=("FileSystemConfigs",))
    return Made(name, {"Arn": scene.arn("lambda", f"function:{name}")})


def _concurrency(scene: Scene) -> None:
    reserved = scene.take("ReservedConcurrentExecutions").get("ReservedConcurrentExecutions")
    if not scene.changed("ReservedConcurrentExecutions"):
        return
    if reserved is None:
        scene.call("lambda", "DeleteFunctionConcurrency", {"FunctionName": scene.physical_id})
    else:
        scene.call(
            "lambda",
            "PutFunctionConcurrency",
            {"FunctionName": scene.physical_id, "ReservedConcurrentExecutions": reserved},
        )


def _update(scene: Scene) -> Made:
    name = scene.physical_id
    scene.take("FunctionName")
    settings, at_birth, code = scene.take(*SETTINGS), scene.take(*AT_BIRTH), _code(scene)
    if scene.changed("Code", "Architectures"):
        scene.call(
            "lambda",
            "UpdateFunctionCode",
            {"FunctionName": name, **code, **{k: v for k, v in at_birth.items() if k == "Architectures"}},
        )
    if scene.changed(*SETTINGS):
        empty = {"Environment": {"Variables": {}}, "Layers": [], "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}
        gone = {key: item for key, item in empty.items() if key in scene.old and key not in settings}
        scene.call("lambda", "UpdateFunctionConfiguration", {"FunctionName": name, **settings, **gone})
    scene.retag("lambda", {"Resource": scene.arn("lambda", f"function:{name}")})
    _concurrency(scene)
    return Made(name, scene.attributes)


def _delete(scene: Scene) -> None:
    scene.call("lambda", "DeleteFunction", {"FunctionName": scene.physical_id})


def _publish(scene: Scene) -> Made:
    given = scene.take("FunctionName", "Description", "CodeSha256")
    answer = scene.call("lambda", "PublishVersion", given)
    return Made(answer["FunctionArn"], {"FunctionArn": answer["FunctionArn"], "Version": answer["Version"]})


def _delete_version(scene: Scene) -> None:
    name, _, version = scene.physical_id.rpartition(":")
    scene.call("lambda", "DeleteFunction", {"FunctionName": name, "Qualifier": version})


def _alias_key(scene: Scene) -> dict[str, Any]:
    return {"FunctionName": scene.properties["FunctionName"], "Name": scene.properties["Name"]}


def _routed(scene: Scene, given: dict[str, Any]) -> dict[str, Any]:
    if "RoutingConfig" in given:
        weights = {
            item["FunctionVersion"]: item["FunctionWeight"]
            for item in given["RoutingConfig"]["AdditionalVersionWeights"]
        }
        given["RoutingConfig"] = {"AdditionalVersionWeights": weights}
    return given


def _permit(scene: Scene) -> Made:
    name = scene.generated(longest=100)
    scene.call("lambda", "AddPermission", {**scene.rest(), "StatementId": name})
    return Made(name, {"Id": name})


def _invoke_key(scene: Scene) -> dict[str, Any]:
    return {"FunctionName": scene.properties["FunctionName"], "Qualifier": scene.properties["Qualifier"]}


def _layer(scene: Scene, given: dict[str, Any]) -> dict[str, Any]:
    name = given.pop("LayerName", None) or scene.generated(longest=64)
    return {"LayerName": name, **given}


def _layer_key(scene: Scene) -> dict[str, Any]:
    name, _, version = scene.physical_id.rpartition(":")
    return {"LayerName": name, "VersionNumber": version}


ROWS = [
    Row(type="AWS::Lambda::Function", label="recorded", create=_create, update=_update, delete=_delete),
    Row(type="AWS::Lambda::Version", label="recorded", create=_publish, update=None, delete=_delete_version),
    simple(
        "AWS::Lambda::Alias",
        "lambda",
        create="CreateAlias",
        send=_routed,
        ref=lambda scene, answer: answer["AliasArn"],
        attributes=lambda scene, answer: {"AliasArn": answer["AliasArn"]},
        update=("UpdateAlias", _alias_key),
        delete=("DeleteAlias", _alias_key),
    ),
    Row(
        type="AWS::Lambda::Permission",
        label="recorded",
        create=_permit,
        update=None,
        notes=("stored; not enforced",),
        delete=deleting(
            "lambda",
            "RemovePermission",
            lambda scene: {"FunctionName": scene.properties["FunctionName"], "StatementId": scene.physical_id},
        ),
    ),
    simple(
        "AWS::Lambda::EventInvokeConfig",
        "lambda",
        create="PutFunctionEventInvokeConfig",
        update="create",
        ref=lambda scene, answer: f"{scene.properties['FunctionName']}|{scene.properties['Qualifier']}",
        delete=("DeleteFunctionEventInvokeConfig", _invoke_key),
    ),
    simple(
        "AWS::Lambda::LayerVersion",
        "lambda",
        create="PublishLayerVersion",
        send=_layer,
        ref=lambda scene, answer: answer["LayerVersionArn"],
        attributes=lambda scene, answer: {"LayerVersionArn": answer["LayerVersionArn"]},
        delete=("DeleteLayerVersion", _layer_key),
    ),
    simple(
        "AWS::Lambda::EventSourceMapping",
        "lambda",
        create="CreateEventSourceMapping",
        ref=lambda scene, answer: answer["UUID"],
        attributes=lambda scene, answer: {"Id": answer["UUID"]},
        update=("UpdateEventSourceMapping", by("UUID")),
        delete=("DeleteEventSourceMapping", by("UUID")),
    ),
]
