"""Archives with the same bytes on every machine and every day."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

CACHE = Path(__file__).resolve().parent.parent / "cdk.out" / ".packed"

_BLOCK = 65_535
_LEAVE_OUT = {"__pycache__", ".DS_Store", ".pytest_cache"}


def packed(kind: Literal["zip", "pyz", "tar.gz"], sources: Mapping[Path, str]) -> Path:
    """An archive of files and folders: sorted names, fixed times, fixed owners.

    Args:
        kind: ``zip`` for functions, ``pyz`` for programs that Python runs as they are, ``tar.gz`` for models.
        sources: file or folder to the folder it gets in the archive (``""`` is the top).

    Returns:
        The archive's path; its name tells its content, so that an unchanged one is not written again.

    Raises:
        FileNotFoundError: a source is missing.
        ValueError: two sources give the same name.
    """
    content: dict[str, bytes] = {}
    for source, below in sources.items():
        for name, data in _files(source):
            place = f"{below}/{name}" if below else name
            if place in content:
                raise ValueError(f"{place} comes from two sources")
            content[place] = data
    pack = _tar if kind == "tar.gz" else _zip
    data = pack(sorted(content.items()))
    path = CACHE / f"{hashlib.sha256(data).hexdigest()[:32]}.{kind}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_bytes(data)
        draft.replace(path)
    return path


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.is_file():
        yield source.name, source.read_bytes()
        return
    if not source.is_dir():
        raise FileNotFoundError(f"{source.name} is missing: a stack packs it")
    for path in sorted(source.rglob("*")):
        if path.is_file() and not _LEAVE_OUT & set(path.parts):
            yield path.relative_to(source).as_posix(), path.read_bytes()


def _zip(files: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    # Stored, not compressed: the bytes would depend on the zlib of the machine.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, data)
    return buffer.getvalue()


def _tar(files: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(data))
    return _gzip(buffer.getvalue())


def _gzip(data: bytes) -> bytes:
    """A gzip file of stored blocks, byte by byte: what zlib and Python write differs from version to version.

    Source: RFC 1952 (header and trailer), RFC 1951 section 3.2.4 (stored blocks).
    """
    header = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])  # deflate, no name, no time, unknown system
    blocks = []
    for start in range(0, max(len(data), 1), _BLOCK):
        part = data[start : start + _BLOCK]
        last = start + _BLOCK >= len(data)
        blocks.append(struct.pack("<BHH", last, len(part), len(part) ^ 0xFFFF) + part)
    return header + b"".join(blocks) + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
