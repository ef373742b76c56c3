"""Where a build's sources come from and where its artifacts go, for projects that no pipeline feeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import codebuild_files
from labkit.rehearsal.runtime.artefact import split
from labkit.rehearsal.runtime.buildspec import Artifact
from labkit.rehearsal.runtime.codebuild_files import FilesError
from labkit.rehearsal.runtime.codebuild_run import Fetch, Store

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

Record = dict[str, Any]


def sources(context: Context, record: Record) -> dict[str, Fetch]:
    """How to fetch the sources of a build, by identifier; ``""`` is the primary one."""
    found = {"": _source(context, record["source"], record.get("sourceVersion"))}
    for source in record["secondarySources"]:
        found[source["sourceIdentifier"]] = _source(context, source, None)
    return found


def _source(context: Context, source: Record, version: str | None) -> Fetch:
    def fetch(folder: Path) -> None:
        if source["type"] == "NO_SOURCE":
            return
        if source["type"] != "S3":
            raise FilesError(
                f"not rehearsed: a source of type {source['type']}; a rehearsal has S3, NO_SOURCE and CODEPIPELINE"
            )
        from botocore.exceptions import ClientError

        bucket, key = split("s3://" + source["location"].removeprefix("arn:aws:s3:::"))
        client, more = context.client("s3"), {"VersionId": version} if version else {}
        try:
            if key.endswith("/"):
                for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
                    for item in page.get("Contents", []):
                        place = folder / item["Key"].removeprefix(key)
                        place.parent.mkdir(parents=True, exist_ok=True)
                        place.write_bytes(client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read())
                return
            content = client.get_object(Bucket=bucket, Key=key, **more)["Body"].read()
        except ClientError as error:
            raise FilesError(f"{error.response['Error']['Message']} for primary source and source version") from None
        codebuild_files.unpack(content, key.rsplit("/", 1)[-1], folder)

    return fetch


def store(context: Context, record: Record) -> Store:
    """How to store the artifacts of a build where its project says."""

    def keep(name: str, artifact: Artifact, files: dict[str, Path]) -> None:
        targets = {item.get("artifactIdentifier"): item for item in record["secondaryArtifacts"]}
        place = targets.get(name) if name else record["artifacts"]
        if place is None:
            raise FilesError(f"the project has no secondary artifact {name}")
        if place["type"] != "S3":
            return
        client, key = context.client("s3"), record.get("encryptionKey") or ""
        build = record["id"].partition(":")[2]
        key = "" if key.endswith(":alias/aws/s3") or place.get("encryptionDisabled") else key
        where = codebuild_files.store(client, place, files, name=artifact.name, build=build, key=key)
        place["location"] = f"arn:{context.partition}:s3:::{where}"

    return keep
