"""The files of a build: its source unpacked into a folder, its artifacts matched, packed and stored."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labkit.rehearsal.runtime.buildspec import Artifact


class FilesError(Exception):
    """What is wrong with a source or an artifact; ``code`` is the status code of the phase's context."""

    def __init__(self, message: str, code: str = "CLIENT_ERROR") -> None:
        super().__init__(message)
        self.code = code


def unpack(content: bytes, name: str, folder: Path) -> None:
    """Put an archive's files into ``folder``; what is no archive becomes the file ``name``.

    Raises:
        FilesError: a member of the archive leads out of the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                place = Path(archive.extract(member, folder))  # drops absolute paths and ".."
                if (mode := member.external_attr >> 16 & 0o777) and place.is_file():
                    place.chmod(mode | 0o600)
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            tar.extractall(folder, filter="data")
    except tarfile.FilterError as error:
        raise FilesError(f"the source archive leads out of its folder: {error}") from None
    except tarfile.ReadError:
        (folder / name).write_bytes(content)


def chosen(artifact: Artifact, source: Path) -> dict[str, Path]:
    """The files of an artifact by their path in it.

    Raises:
        FilesError: the base directory is missing, or no file matches.
    """
    bases = [source]
    if artifact.base:
        pattern = artifact.base.strip("/") if not artifact.base.startswith("/") else artifact.base
        if pattern.startswith(str(source)):
            pattern = str(Path(pattern).relative_to(source))
        bases = sorted(path for path in source.glob(pattern) if path.is_dir()) if pattern != "." else [source]
        if not bases:
            raise FilesError(f"no matching base directory path found for {artifact.base}")
    found: dict[str, Path] = {}
    patterns = [_regex(pattern) for pattern in artifact.files]
    without = [_regex(pattern) for pattern in artifact.exclude]
    for base in bases:
        for path in sorted(base.rglob("*")):
            inside = path.relative_to(base).as_posix()
            if not path.is_file() or _any(without, inside) or not _any(patterns, inside):
                continue
            found[path.name if artifact.discard_paths else inside] = path
    if not found:
        raise FilesError("no matching artifact paths found")
    return found


def packed(files: dict[str, Path]) -> bytes:
    """A zip of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            archive.write(path, name)
    return out.getvalue()


def store(client: Any, place: dict[str, Any], files: dict[str, Path], *, name: str, build: str, key: str) -> str:
    """Store an artifact in S3 as the project asks; returns its ARN without the partition's prefix.

    Args:
        place: the project's ``artifacts``: location, path, namespaceType, name, packaging.
        name: of the artifact in the buildspec, used if the project lets it override.
        build: the build's id, a folder where ``namespaceType`` is BUILD_ID.
        key: the KMS key to encrypt with, or an empty string.
    """
    called = name if name and place.get("overrideArtifactName") else place.get("name") or name
    parts = [place.get("path", ""), build if place.get("namespaceType") == "BUILD_ID" else "", called]
    prefix = "/".join(part.strip("/") for part in parts if part and part.strip("/"))
    more = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
    if place.get("packaging") == "ZIP":
        client.put_object(Bucket=place["location"], Key=prefix, Body=packed(files), **more)
    else:
        for path, file in files.items():
            target = f"{prefix}/{path}" if prefix else path
            client.put_object(Bucket=place["location"], Key=target, Body=file.read_bytes(), **more)
    return f"{place['location']}/{prefix}"


def _any(patterns: Iterable[re.Pattern[str]], path: str) -> bool:
    return any(pattern.fullmatch(path) for pattern in patterns)


def _regex(pattern: str) -> re.Pattern[str]:
    """CodeBuild's patterns: ``*`` within a folder, ``**`` through folders; a plain name of a folder holds its files."""
    pattern = pattern.removeprefix("./")
    made = ""
    for part in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern):
        made += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
    return re.compile(made)
