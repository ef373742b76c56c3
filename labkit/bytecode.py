"""Compiles CDK's Python without the type checks that it makes at run time: ``python -m labkit.bytecode``.

Each of CDK's classes checks its arguments against its annotations, under ``if __debug__``, and evaluates the type of
each value that it returns, in a ``typing.cast`` that then does nothing. That is a third of what synthesis costs; mypy
checks our code before it runs, and CDK's engine every value that it is given. Compiled as ``python -O`` would and
without those casts, but kept where Python looks without ``-O``, the code of CDK alone loses its checks and assertions.
"""

from __future__ import annotations

import marshal
import os
import re
from concurrent.futures import ProcessPoolExecutor
from importlib.util import MAGIC_NUMBER, cache_from_source, find_spec
from pathlib import Path

PACKAGES = ("aws_cdk", "cdk_nag", "constructs")
_NO_CHECKS = 1  # what -O means to the compiler
# typing.cast(a type, result) and typing.cast(a type, jsii.get(...)), on one line as CDK's generator writes them.
_CAST = re.compile(rb"\btyping\.cast\([^()\n]*, (?=result\)|jsii\.)")


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
    status = source.stat()
    text = _CAST.sub(b"(", source.read_bytes())
    code = compile(text, str(source), "exec", dont_inherit=True, optimize=_NO_CHECKS)
    # The time of the source is noted as ever (PEP 552): Python compiles a changed one again, with its checks.
    noted = (0, int(status.st_mtime), status.st_size)
    head = MAGIC_NUMBER + b"".join((number & 0xFFFFFFFF).to_bytes(4, "little") for number in noted)
    place = Path(cache_from_source(str(source), optimization=""))
    place.parent.mkdir(exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}")
    draft.write_bytes(head + marshal.dumps(code))
    draft.replace(place)


if __name__ == "__main__":
    main()
