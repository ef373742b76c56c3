"""Compiles CDK's Python without the type checks that it makes at run time: ``python -m labkit.bytecode``.

Each of CDK's classes checks its arguments against its annotations, under ``if __debug__``. That is a fifth of what
synthesis costs; mypy checks our code before it runs, and CDK's engine every value that it is given. Compiled as
``python -O`` would, but kept where Python looks without ``-O``, the code of CDK alone loses its checks and assertions.
"""

from __future__ import annotations

import os
import py_compile
from concurrent.futures import ProcessPoolExecutor
from importlib.util import cache_from_source, find_spec
from pathlib import Path

PACKAGES = ("aws_cdk", "cdk_nag", "constructs")
_NO_CHECKS = 1  # what -O means to the compiler


def main() -> None:
    """Compile them all."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(_compile, sources(), chunksize=8):
            pass


def sources() -> list[Path]:
    """The Python of the packages, the largest files first."""
    found = [find_spec(name) for name in PACKAGES]
    folders = [Path(place) for spec in found if spec for place in spec.submodule_search_locations or ()]
    return sorted((file for folder in folders for file in folder.rglob("*.py")), key=lambda file: -file.stat().st_size)


def _compile(source: Path) -> None:
    place = cache_from_source(str(source), optimization="")
    # The time of the source is noted as ever: Python compiles a changed one again, with its checks.
    mode = py_compile.PycInvalidationMode.TIMESTAMP
    py_compile.compile(str(source), cfile=place, doraise=True, optimize=_NO_CHECKS, invalidation_mode=mode)


if __name__ == "__main__":
    main()
