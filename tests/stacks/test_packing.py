"""Archives have the same bytes whenever and wherever they are made."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from stacks import packing


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "CACHE", tmp_path / "cache")


def tree(where: Path, *, when: int) -> Path:
    for name, text in {"b.txt": "two", "sub/a.txt": "one", "__pycache__/x.pyc": "no"}.items():
        file = where / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (when, when))
    return where


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_times_and_places_do_not_matter(tmp_path: Path, kind: str) -> None:
    one = packing.packed(kind, {tree(tmp_path / "one", when=1): ""}).read_bytes()  # type: ignore[arg-type]
    two = packing.packed(kind, {tree(tmp_path / "two", when=2_000_000_000): ""}).read_bytes()  # type: ignore[arg-type]
    assert one == two


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 200_000])
def test_our_gzip_is_what_gzip_reads(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    assert gzip.decompress(packing._gzip(data[:size])) == data[:size]


def test_the_bytes_do_not_depend_on_the_version_of_python(tmp_path: Path) -> None:
    known = {
        "zip": "446870024c633769",
        "tar.gz": "94ac7ab8f755d92a",
    }
    source = tree(tmp_path / "one", when=1)
    for kind, digest in known.items():
        made = packing.packed(kind, {source: ""}).read_bytes()  # type: ignore[arg-type]
        assert hashlib.sha256(made).hexdigest()[:16] == digest


def test_content_changes_the_name(tmp_path: Path) -> None:
    source = tree(tmp_path / "one", when=1)
    before = packing.packed("zip", {source: ""})
    (source / "b.txt").write_text("three")
    assert packing.packed("zip", {source: ""}) != before


def test_a_model_archive_holds_the_code_below_code(tmp_path: Path) -> None:
    path = packing.packed("tar.gz", {tree(tmp_path / "model", when=1): "", tree(tmp_path / "c", when=1): "code"})
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["b.txt", "code/b.txt", "code/sub/a.txt", "sub/a.txt"]


def test_a_function_archive_leaves_out_bytecode(tmp_path: Path) -> None:
    with zipfile.ZipFile(packing.packed("zip", {tree(tmp_path / "f", when=1): ""})) as archive:
        assert archive.namelist() == ["b.txt", "sub/a.txt"]


def test_two_sources_for_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two sources"):
        packing.packed("zip", {tree(tmp_path / "one", when=1): "", tree(tmp_path / "two", when=1): ""})


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing is missing"):
        packing.packed("zip", {tmp_path / "nothing": ""})
