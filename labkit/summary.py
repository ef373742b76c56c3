"""One line about a synthesized lab: resources, cost, findings. Kept beside it as long as nothing of it can change."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from datetime import date
from functools import cache
from typing import Any

from labkit.assembly import RECORD, Assembly
from labkit.catalogue import ROOT
from labkit.digest import digest

KEPT = "summary.json"
# What decides a line besides the assembly, whose own fingerprint covers the rules below stacks/.
_DECIDES = ("labkit/cost", "labkit/review", "labkit/summary.py")


def summary(assembly: Assembly, *, today: date | None = None) -> dict[str, Any]:
    """Resources, dollars per hour and counted findings of a lab; ``open`` also counts what is unknown.

    Args:
        assembly: as :mod:`labkit.synth` left it.
        today: decides which acceptances are due for review; default: the day it is.
    """
    day = today or date.today()
    file, key = assembly.folder / KEPT, _key(assembly, day)
    try:
        kept = json.loads(file.read_text())
        if kept["key"] == key:
            return dict(kept["line"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    line = _made(assembly, day)
    with contextlib.suppress(OSError):  # a folder that cannot be written costs time, not the answer
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"key": key, "line": line}) + "\n")
        draft.replace(file)
    return line


def _made(assembly: Assembly, today: date) -> dict[str, Any]:
    from labkit.cost import estimate, tables
    from labkit.review import quick_findings

    counts = quick_findings(assembly, today=today)
    return {
        "resources": len(assembly.template["Resources"]),
        "usd_per_hour": tables.per_hour(estimate(assembly)),
        "open": counts.open + counts.unknown,
        "accepted": counts.accepted,
    }


def _key(assembly: Assembly, today: date) -> str:
    whole = hashlib.sha256(f"{today}\0{_code()}\0".encode())
    for name in (RECORD, assembly.template_file.name):
        whole.update(hashlib.sha256((assembly.folder / name).read_bytes()).digest())
    return whole.hexdigest()


@cache
def _code() -> str:
    return digest(ROOT / name for name in _DECIDES)
