"""Reads the Python that a lab packs for deployment: which file is reached from where a workload starts."""

from __future__ import annotations

import ast
import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from labkit.assembly import Assembly, Asset
from labkit.errors import UserError
from labkit.review.provers.isolation.calls import Reading, read_source

_MOST_FILES, _MOST_BYTES = 600, 1_000_000
_KEPT = (".py", ".yml", ".yaml", ".sh", "METADATA", "top_level.txt", "RECORD")


class Archives:
    """The assets of an assembly by the name under which templates refer to them."""

    def __init__(self, assembly: Assembly) -> None:
        self._assets = _assets(assembly)

    def holding(self, text: str) -> Path | None:
        """The asset whose key stands in a text, such as an S3 URI or a key."""
        for asset in self._assets:
            if asset.key and asset.key in text:
                return asset.path
        return None

    def with_member(self, name: str) -> list[Path]:
        """The archives that hold a file of this name."""
        return [asset.path for asset in self._assets if name in members(asset.path)]


def _assets(assembly: Assembly) -> list[Asset]:
    try:
        return assembly.assets
    except (UserError, KeyError, TypeError, AttributeError):
        return []


def members(archive: Path) -> Mapping[str, str]:
    """Text files of an archive by name; none when it is no archive."""
    try:
        return _members(archive, archive.stat().st_mtime_ns)
    except OSError:
        return {}


@cache
def _members(archive: Path, changed: int) -> Mapping[str, str]:
    content = archive.read_bytes()
    found: dict[str, str] = {}
    try:
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as opened:
                for info in opened.infolist()[:_MOST_FILES]:
                    if info.filename.endswith(_KEPT) and info.file_size < _MOST_BYTES:
                        found[info.filename.removeprefix("./")] = opened.read(info).decode("utf-8", "replace")
        elif content[:2] == b"\x1f\x8b":
            with tarfile.open(fileobj=io.BytesIO(content)) as packed:
                for number, member in enumerate(packed):
                    if number >= _MOST_FILES:
                        break
                    file = packed.extractfile(member) if member.isfile() and member.size < _MOST_BYTES else None
                    if file is not None and member.name.endswith(_KEPT):
                        found[member.name.removeprefix("./")] = file.read().decode("utf-8", "replace")
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, NotImplementedError):
        return {}
    return found


def read_archive(archive: Path, *, starts: Iterable[str] = ()) -> Reading:
    """Read the Python of an archive that is reached from some files; without them, all that is not a library.

    Args:
        archive: zip or gzipped tar.
        starts: names of files in it.
    """
    files = members(archive)
    sources = {name: text for name, text in files.items() if name.endswith(".py")}
    if not sources:
        return Reading(doubts=(f"{archive.name} holds no Python that can be read",))
    begun = [name for name in starts if name in sources]
    chosen = _reached(begun, sources) if begun else _own(files)
    readings = [_read(sources[name], name) for name in chosen]
    return joined(readings)


def joined(readings: Iterable[Reading]) -> Reading:
    """Several readings as one."""
    all_ = list(readings)
    calls = dict.fromkeys(call for one in all_ for call in one.calls)
    doubts = dict.fromkeys(doubt for one in all_ for doubt in one.doubts)
    return Reading(tuple(calls), tuple(doubts), any(one.names_network for one in all_))


@cache
def _read(source: str, name: str) -> Reading:
    return read_source(source, name)


def _own(files: Mapping[str, str]) -> list[str]:
    """Files that no installed library brought."""
    libraries = {match[1].lower() for name in files if (match := re.match(r"([^/]+?)-[^/]*\.dist-info/", name))}
    listed = {
        line.strip() for name, text in files.items() if name.endswith("top_level.txt") for line in text.splitlines()
    }
    skipped = {one.replace("-", "_") for one in libraries} | listed
    return [
        name for name in files if name.endswith(".py") and name.split("/")[0].removesuffix(".py").lower() not in skipped
    ]


def _reached(starts: list[str], sources: Mapping[str, str]) -> list[str]:
    """The starting files and those of the archive that they import, however indirectly."""
    found: dict[str, None] = {}
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = None
        folder = name.rpartition("/")[0]
        for module in _imports(sources[name], folder):
            path = module.replace(".", "/")
            for place in {f"{path}.py", f"{path}/__init__.py", f"{folder}/{path}.py", f"{folder}/{path}/__init__.py"}:
                if place.lstrip("/") in sources:
                    waiting.append(place.lstrip("/"))
    return sorted(found)


@cache
def _imports(source: str, folder: str) -> tuple[str, ...]:
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            steps = folder.split("/")[: len(folder.split("/")) - node.level + 1] if node.level and folder else []
            base = ".".join([*steps, *([node.module] if node.module else [])])
            found += [base, *(f"{base}.{one.name}".lstrip(".") for one in node.names)]
    parents = {".".join(one.split(".")[:length]) for one in found for length in range(1, one.count(".") + 1)}
    return tuple(dict.fromkeys([*found, *sorted(parents)]))
