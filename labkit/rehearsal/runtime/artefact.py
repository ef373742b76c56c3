"""A model's files: fetched from the emulated S3 and unpacked where nothing can escape the folder."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_LIMIT = 4 << 30  # a larger archive does not fit a rehearsal


class ServingError(Exception):
    """Why a model cannot be served, in the words of the service."""


def fetch(context: Context, container: dict[str, Any], folder: Path) -> None:
    """Put the model data of a container definition into ``folder``.

    Raises:
        ServingError: the object is absent, is no gzip-compressed tar archive, or is too large.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source is None:
        if url := container.get("ModelDataUrl"):
            unpack(read(context, url), url, folder)
        return
    url = source["S3Uri"]
    if source["CompressionType"] == "Gzip":
        unpack(read(context, url), url, folder)
        return
    bucket, prefix = split(url)
    if source["S3DataType"] == "S3Object":
        (folder / prefix.rsplit("/", 1)[-1]).write_bytes(read(context, url))
        return
    keys = [
        item["Key"]
        for page in context.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for item in page.get("Contents", [])
        if not item["Key"].endswith("/")
    ]
    if not keys:
        raise _not_found(url)
    for key in keys:
        path = (folder / key.removeprefix(prefix).lstrip("/")).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise ServingError(f"The key {key} below {url} leads out of the model folder.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read(context, f"s3://{bucket}/{key}"))


def unpack(archive: bytes, url: str, folder: Path) -> None:
    """Extract a gzip-compressed tar archive; members that lead out of ``folder`` are refused."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            if sum(member.size for member in tar) > _LIMIT:
                raise ServingError(f"The archive {url} unpacks to more than {_LIMIT >> 30} GiB.")
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ServingError(
            f'Failed to extract model data archive for container "container_1" from URL: "{url}". Please ensure that '
            f"the object located at the URL is a valid tar.gz archive. ({error})"
        ) from error


def read(context: Context, url: str) -> bytes:
    """The object at ``s3://bucket/key``."""
    from botocore.exceptions import ClientError

    bucket, key = split(url)
    try:
        content: bytes = context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise _not_found(url) from error
    return content


def split(url: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key`` or of an https URL of S3."""
    if url.startswith("https://"):
        host, _, key = url.removeprefix("https://").partition("/")
        if not host.startswith("s3"):
            return host.partition(".")[0], key
        url = key
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def _not_found(url: str) -> ServingError:
    return ServingError(
        f'Failed to download model data for container "container_1" from URL: "{url}". Please ensure that there is an '
        "object located at the URL and that the role passed to CreateModel has permissions to download the object."
    )
