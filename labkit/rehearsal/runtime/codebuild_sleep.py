"""Waiting in a build's commands: the shell's and Python's ``sleep`` let emulated time pass and cost little real time."""

from __future__ import annotations

import sys
from pathlib import Path

# Names the address that a sleeping command calls.
VARIABLE = "LABS_SLEEP_URL"
# Shorter pauses are not worth a request.
_SHORTEST = 1.0
_PYTHON = f"""
import time

_sleep = time.sleep


def sleep(seconds):
    if seconds < {_SHORTEST}:
        return _sleep(seconds)
    import json, os, urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
    try:
        opener.open(os.environ["{VARIABLE}"], json.dumps({{"seconds": seconds}}).encode(), timeout=600).close()
    except (KeyError, OSError):
        _sleep(seconds)


time.sleep = sleep
"""
_SHELL = """#!{python}
import sys, time

units = {{"s": 1, "m": 60, "h": 3600, "d": 86400}}
time.sleep(sum(float(text.rstrip("smhd")) * units.get(text[-1], 1) for text in sys.argv[1:]))
"""


def install(home: Path) -> None:
    """Put both into ``home/bin``, which the search paths of the shell and of Python begin with."""
    folder = home / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(_PYTHON)
    program = folder / "sleep"
    program.write_text(_SHELL.format(python=sys.executable))
    program.chmod(0o755)
