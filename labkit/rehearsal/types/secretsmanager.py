"""Secrets Manager: secrets, given or generated."""

from __future__ import annotations

import json

from labkit.rehearsal.types.row import Made, Row, Scene


def _value(scene: Scene) -> dict[str, str]:
    given = scene.take("SecretString", "GenerateSecretString")
    if "SecretString" in given:
        return {"SecretString": given["SecretString"]}
    if "GenerateSecretString" not in given:
        return {}
    wish = dict(given["GenerateSecretString"])
    template, key = wish.pop("SecretStringTemplate", None), wish.pop("GenerateStringKey", None)
    password = scene.call("secretsmanager", "GetRandomPassword", wish, under="GenerateSecretString")["RandomPassword"]
    return {"SecretString": json.dumps({**json.loads(template), key: password}) if template and key else password}


def _create(scene: Scene) -> Made:
    name = scene.name("Name", longest=512)
    arn = scene.call(
        "secretsmanager",
        "CreateSecret",
        {"Name": name, **_value(scene), **scene.take("Description", "KmsKeyId", "Tags")},
    )["ARN"]
    return Made(arn, {"Id": arn})


def _update(scene: Scene) -> Made:
    scene.take("Name")
    given = scene.take("Description", "KmsKeyId")
    # CloudFormation generates a new value only if the wish for it changed.
    value = _value(scene) if scene.changed("SecretString", "GenerateSecretString") else {}
    scene.take("SecretString", "GenerateSecretString")
    scene.call("secretsmanager", "UpdateSecret", {"SecretId": scene.physical_id, **given, **value})
    scene.retag("secretsmanager", {"SecretId": scene.physical_id})
    return Made(scene.physical_id, scene.attributes)


def _delete(scene: Scene) -> None:
    # CloudFormation deletes without a recovery window:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-secret.html
    scene.call("secretsmanager", "DeleteSecret", {"SecretId": scene.physical_id, "ForceDeleteWithoutRecovery": True})


ROWS = [Row(type="AWS::SecretsManager::Secret", label="executed", create=_create, update=_update, delete=_delete)]
