"""What a review of the whole catalogue costs, and whether it grows in step with the resources.

- catalogue: ``labs review`` on every lab, synthesized before, with all engines; wall and processor seconds.
- copies: one lab's template, reviewed 1, 2, 4 and 8 times as templates of somebody else in one run, without cfn-lint;
  processor seconds per resource must not rise.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB = "d3_realtime_endpoint"
COPIES = (1, 2, 4, 8)
REVIEW = """
import sys
from pathlib import Path
from labkit.review import review_folder
assert review_folder(Path(sys.argv[1]), second_opinion=False).rows
"""


def spent(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and processor seconds of a program and its children; 1 is the answer to open findings, and no failure."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}")
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Print the cost of the catalogue, then one line per number of copies."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    with tempfile.TemporaryDirectory() as name:
        labs = ["labs", "review", "--out", str(Path(name) / "review")]
        spent(labs, environment)  # synthesizes what has changed
        wall, processor = spent(labs, environment)
        resources = sum(
            len(json.loads(template.read_text())["Resources"])
            for template in (ROOT / "cdk.out").glob("*/Lab-*.template.json")
        )
        print(f"catalogue: {resources} resources in {wall:.1f} s, {processor:.1f} processor seconds")
        template = next((ROOT / "cdk.out" / LAB).glob("*.template.json"))
        count = len(json.loads(template.read_text())["Resources"])
        print("copies  resources  processor s  milliseconds per resource, beyond the start")
        folder = Path(name) / "copies"
        folder.mkdir()
        idle = spent([sys.executable, "-c", REVIEW.split("assert")[0], str(folder)], environment)[1]
        for copies in COPIES:
            for number in range(copies):
                shutil.copy(template, folder / f"copy{number}.json")
            _, processor = spent([sys.executable, "-c", REVIEW, str(folder)], environment)
            each = (processor - idle) / (copies * count) * 1000
            print(f"{copies:6}  {copies * count:9}  {processor:11.2f}  {each:.2f}", flush=True)


if __name__ == "__main__":
    main()
