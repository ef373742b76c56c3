"""What the everyday commands cost when nothing has changed."""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

from bench.synth import cpu

COMMANDS = (["list"], ["synth"], ["cost", "d3_realtime_endpoint"])
ROUNDS = 5


def main() -> None:
    """Print the median processor seconds of each command and of an empty Python."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    labs = str(Path(sys.executable).parent / "labs")
    rows = {"python -c pass": [sys.executable, "-c", "pass"]} | {f"labs {' '.join(c)}": [labs, *c] for c in COMMANDS}
    for command in rows.values():
        cpu([*command], environment)
    if not Path(labs).exists():
        raise SystemExit("Install first: make test")
    print("command  (median processor seconds)")
    for name, command in rows.items():
        print(f"{name:32}{statistics.median(cpu(command, environment) for _ in range(ROUNDS)):.3f}", flush=True)


if __name__ == "__main__":
    main()
