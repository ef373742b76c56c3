"""The environment variables of a build, resolved as CodeBuild resolves them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from labkit.rehearsal.runtime import codebuild_sleep
from labkit.rehearsal.runtime.buildspec import Buildspec
from labkit.rehearsal.runtime.child import clean_environment

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

# Shorter values would mask half of the log.
_SHORTEST_SECRET = 4


class SetupError(Exception):
    """A build cannot begin; ``code`` is the status code of the phase's context."""

    def __init__(self, message: str, code: str = "CLIENT_ERROR") -> None:
        super().__init__(message)
        self.code = code


def check_network(context: Context, vpc: dict[str, Any]) -> None:
    """Make sure that the subnets and security groups of a build exist.

    Raises:
        SetupError: one does not.
    """
    from botocore.exceptions import ClientError

    if not vpc.get("subnets"):
        return
    try:
        context.client("ec2").describe_subnets(SubnetIds=vpc["subnets"])
        context.client("ec2").describe_security_groups(GroupIds=vpc.get("securityGroupIds") or [])
    except ClientError as error:
        raise SetupError(f"Unexpected EC2 error: {error.response['Error']['Message']}", "VPC_CLIENT_ERROR") from None


def variables(
    context: Context, record: dict[str, Any], spec: Buildspec, places: dict[str, Path], home: Path
) -> dict[str, str]:
    """The whole environment of a build's commands.

    What StartBuild gave comes before the project's, which comes before the buildspec's.

    Args:
        places: the folders of the sources by identifier, ``""`` for the primary one.

    Raises:
        SetupError: a parameter or a secret cannot be read.
    """
    source = record["source"]
    made = {
        "CODEBUILD_BUILD_ID": record["id"],
        "CODEBUILD_BUILD_ARN": record["arn"],
        "CODEBUILD_BUILD_NUMBER": str(record["buildNumber"]),
        "CODEBUILD_BUILD_IMAGE": record["environment"].get("image", ""),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": record["initiator"],
        "CODEBUILD_KMS_KEY_ID": record.get("encryptionKey") or "",
        "CODEBUILD_LOG_PATH": record["logs"].get("streamName", ""),
        "CODEBUILD_PROJECT_ARN": record["arn"].split(":build/")[0] + f":project/{record['projectName']}",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": record.get("resolvedSourceVersion") or "",
        "CODEBUILD_SOURCE_REPO_URL": source.get("location") or "",
        "CODEBUILD_SOURCE_VERSION": record.get("sourceVersion") or "",
        "CODEBUILD_SRC_DIR": str(places[""]),
        **{f"CODEBUILD_SRC_DIR_{name}": str(place) for name, place in places.items() if name},
        "CODEBUILD_START_TIME": str(int(record["startTime"].timestamp() * 1000)),
        "CODEBUILD_CI": "true",
        "CI": "true",
        **spec.variables,
        **{name: _parameter(context, value) for name, value in spec.parameters.items()},
        **{name: _secret(context, value) for name, value in spec.secrets.items()},
        **{item["name"]: _value(context, item) for item in record["environment"].get("environmentVariables") or []},
    }
    packages = home / "packages"
    codebuild_sleep.install(home)
    # The lab's own variables come last: they may change even these, as in CodeBuild.
    return clean_environment() | _machine(context, record, home, packages) | made


def _machine(context: Context, record: dict[str, Any], home: Path, packages: Path) -> dict[str, str]:
    from labkit.rehearsal.context import KEYS

    return {
        "PATH": os.pathsep.join(
            [str(home / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        ),
        "HOME": str(home),
        "TMPDIR": _folder(home / "tmp"),
        # An installation must leave this project's own packages alone, and fail at once without a network.
        "PIP_TARGET": str(packages),
        "PYTHONPATH": os.pathsep.join([str(home / "bin"), str(packages)]),
        codebuild_sleep.VARIABLE: f"{context.url}/rehearsal/builds/{quote(record['id'])}/sleep",
        "PIP_RETRIES": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "localhost,127.0.0.1",
        "AWS_ENDPOINT_URL": context.url,
        "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
        "AWS_REGION": context.region,
        "AWS_DEFAULT_REGION": context.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def secret_values(record: dict[str, Any], spec: Buildspec, environment: dict[str, str]) -> list[str]:
    """Values that the log shows as ``***``: those from Secrets Manager and Parameter Store."""
    named = {*spec.parameters, *spec.secrets}
    for item in record["environment"].get("environmentVariables") or []:
        if item.get("type", "PLAINTEXT") != "PLAINTEXT":
            named.add(item["name"])
    found = {environment[name] for name in named if len(environment.get(name, "")) >= _SHORTEST_SECRET}
    return sorted(found, key=len, reverse=True)


def _value(context: Context, item: dict[str, Any]) -> str:
    kind = item.get("type", "PLAINTEXT")
    if kind == "PARAMETER_STORE":
        return _parameter(context, item["value"])
    return _secret(context, item["value"]) if kind == "SECRETS_MANAGER" else str(item["value"])


def _parameter(context: Context, name: str) -> str:
    from botocore.exceptions import ClientError

    try:
        found = context.client("ssm").get_parameter(Name=name, WithDecryption=True)
    except ClientError as error:
        message = f"Parameter {name} cannot be read: {error.response['Error']['Message']}"
        raise SetupError(message, "PARAMETER_STORE_ERROR") from None
    return str(found["Parameter"]["Value"])


def _secret(context: Context, reference: str) -> str:
    """``secret-id:json-key:version-stage:version-id``; an ARN counts as one part with its seven."""
    from botocore.exceptions import ClientError

    parts = reference.split(":")
    if reference.startswith("arn:"):
        parts = [":".join(parts[:7]), *parts[7:]]
    name, key, stage, version = [*parts, "", "", ""][:4]
    more = {"VersionStage": stage} if stage else {}
    more |= {"VersionId": version} if version else {}
    try:
        text = context.client("secretsmanager").get_secret_value(SecretId=name, **more)["SecretString"]
        return str(json.loads(text)[key]) if key else str(text)
    except (ClientError, KeyError, ValueError) as error:
        raise SetupError(f"Secrets Manager: {reference} cannot be read: {error}", "SECRETS_MANAGER_ERROR") from None


def _folder(path: Path) -> str:
    path.mkdir(parents=True, exist_ok=True)
    return str(path)
