"""What a job finds and leaves in S3: prefixes downloaded, folders and archives uploaded, folders kept in step."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.artefact import split

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


class MissingDataError(Exception):
    """There is nothing under an S3 URI."""


def keys(context: Context, url: str) -> Iterator[str]:
    """The keys of all objects whose key begins with that of ``url``, in order, without folder markers."""
    bucket, prefix = split(url)
    try:
        for page in context.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                if not item["Key"].endswith("/"):
                    yield item["Key"]
    except context.client("s3").exceptions.NoSuchBucket as error:
        raise MissingDataError(url) from error


def download(context: Context, url: str, folder: Path, *, manifest: bool = False) -> int:
    """Put everything under ``url`` into ``folder``; returns the number of files.

    Args:
        manifest: ``url`` is a manifest file as S3DataSource defines it.

    Raises:
        MissingDataError: there is nothing.
    """
    if manifest:
        bucket, key = split(url)
        found = context.client("s3").list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
        if key not in [item["Key"] for item in found]:
            raise MissingDataError(url)
        first, *names = json.loads(context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        return sum(_fetch(context, first["prefix"] + name, name, folder) for name in names)
    bucket, prefix = split(url)
    count = 0
    for key in keys(context, url):
        rest = key.removeprefix(prefix)
        # A prefix that ends inside a name, or names one object, keeps the name.
        if not prefix.endswith("/") and not rest.startswith("/"):
            rest = key[prefix.rfind("/") + 1 :]
        count += _fetch(context, f"s3://{bucket}/{key}", rest.lstrip("/"), folder)
    if not count:
        raise MissingDataError(url)
    return count


def _fetch(context: Context, url: str, name: str, folder: Path) -> int:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise MissingDataError(f"{url} leads out of the folder")
    bucket, key = split(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    return 1


def upload(context: Context, path: Path, url: str, key_id: str | None) -> None:
    """Put one file at ``url``, encrypted with the key."""
    write(context, path.read_bytes(), url, key_id)


def write(context: Context, content: bytes, url: str, key_id: str | None) -> None:
    """Put ``content`` at ``url``, encrypted with the key (default: as the bucket says)."""
    bucket, key = split(url)
    encryption: dict[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
    context.client("s3").put_object(Bucket=bucket, Key=key, Body=content, **encryption)


def archive(folder: Path) -> bytes:
    """A tar.gz of what is in ``folder``."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
    return out.getvalue()


class Sync:
    """Keeps a prefix in step with a folder: what is new or changed is uploaded; nothing is deleted.

    A file that changes while it is read is uploaded again at the next turn.
    """

    def __init__(self, context: Context, folder: Path, url: str, key_id: str | None) -> None:
        self._context, self._folder = context, folder
        self._url, self._key_id = url.rstrip("/"), key_id
        self._seen: dict[Path, tuple[int, int]] = {}

    def take_as_synced(self) -> None:
        """Count what is in the folder now as uploaded."""
        self._seen = dict(self._files())

    def turn(self) -> None:
        """Upload what is new or changed since the last turn."""
        for path, mark in self._files():
            if self._seen.get(path) == mark:
                continue
            try:
                upload(self._context, path, f"{self._url}/{path.relative_to(self._folder).as_posix()}", self._key_id)
            except FileNotFoundError:
                continue
            self._seen[path] = mark

    def _files(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        for path in sorted(self._folder.rglob("*")):
            try:
                if path.is_file():
                    stat = path.stat()
                    yield path, (stat.st_mtime_ns, stat.st_size)
            except FileNotFoundError:
                continue
