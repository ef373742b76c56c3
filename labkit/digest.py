"""What has not changed need not be made again: one hash over files and folders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from labkit.catalogue import ROOT


def digest(places: Iterable[Path]) -> str:
    """One hash over the names, as seen from the project's folder, and the content of files and folders."""
    whole = hashlib.sha256()
    for place in places:
        for file in _files(place):
            with open(file, "rb") as opened:
                content = hashlib.sha256(opened.read()).digest()
            whole.update(f"{os.path.relpath(file, ROOT)}\0".encode() + content)
    return whole.hexdigest()


def _files(place: str | Path) -> Iterator[str]:
    if os.path.isfile(place):
        yield str(place)
    elif os.path.isdir(place):
        for name in sorted(os.listdir(place)):
            if name != "__pycache__":
                yield from _files(os.path.join(place, name))
