"""KMS: keys that encrypt and decrypt, and their aliases."""

from __future__ import annotations

from typing import Any

from labkit.rehearsal.types.row import Made, Row, Scene
from labkit.rehearsal.types.table import by, simple


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def _create(scene: Scene) -> Made:
    given = scene.take(
        "Description", "KeySpec", "KeyUsage", "MultiRegion", "Origin", "Tags", "BypassPolicyLockoutSafetyCheck"
    )
    policy = scene.take("KeyPolicy").get("KeyPolicy")
    key = scene.call("kms", "CreateKey", {**given, **({"Policy": policy} if policy else {})})["KeyMetadata"]
    scene.physical_id = key["KeyId"]
    scene.kept(
        {name: item for name, item in given.items() if name not in ("Tags", "BypassPolicyLockoutSafetyCheck")}, key
    )
    if policy:
        scene.kept(
            {"KeyPolicy": policy},
            {
                "KeyPolicy": scene.call("kms", "GetKeyPolicy", {"KeyId": key["KeyId"], "PolicyName": "default"})[
                    "Policy"
                ]
            },
        )
    _rotate(scene)
    return Made(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})


def _rotate(scene: Scene) -> None:
    given = scene.take("EnableKeyRotation", "RotationPeriodInDays", "Enabled", "PendingWindowInDays")
    key = {"KeyId": scene.physical_id}
    if scene.changed("EnableKeyRotation", "RotationPeriodInDays"):
        if _true(given.get("EnableKeyRotation")):
            period = {name: item for name, item in given.items() if name == "RotationPeriodInDays"}
            scene.call("kms", "EnableKeyRotation", {**key, **period})
            scene.kept({"KeyRotationEnabled": True, **period}, scene.call("kms", "GetKeyRotationStatus", key))
        else:
            scene.call("kms", "DisableKeyRotation", key)
    if scene.changed("Enabled"):
        scene.call("kms", "EnableKey" if _true(given.get("Enabled", True)) else "DisableKey", key)


def _update(scene: Scene) -> Made:
    given = scene.take(
        "Description",
        "KeyPolicy",
        "KeySpec",
        "KeyUsage",
        "MultiRegion",
        "Origin",
        "BypassPolicyLockoutSafetyCheck",
    )
    key = {"KeyId": scene.physical_id}
    if scene.changed("KeyPolicy"):
        scene.call("kms", "PutKeyPolicy", {**key, "PolicyName": "default", "Policy": given["KeyPolicy"]})
    if scene.changed("Description"):
        scene.call("kms", "UpdateKeyDescription", {**key, "Description": given.get("Description", "")})
    scene.retag("kms", key)
    _rotate(scene)
    return Made(scene.physical_id, scene.attributes)


def _delete(scene: Scene) -> None:
    days = scene.properties.get("PendingWindowInDays", 30)
    scene.call("kms", "ScheduleKeyDeletion", {"KeyId": scene.physical_id, "PendingWindowInDays": days})


ROWS = [
    Row(
        type="AWS::KMS::Key",
        label="executed",
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=frozenset({"KeySpec", "KeyUsage", "MultiRegion", "Origin"}),
        notes=("encrypts and decrypts; its policy and grants are not enforced",),
    ),
    simple(
        "AWS::KMS::Alias",
        "kms",
        create="CreateAlias",
        ref=lambda scene, answer: scene.properties["AliasName"],
        update=("UpdateAlias", lambda scene: {}),
        delete=("DeleteAlias", by("AliasName")),
    ),
]
