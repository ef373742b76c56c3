"""What N copies of a lab cost in processor time, against the same lab written in JavaScript.

Four programs, each making N stacks of 57 resources:
- least: JavaScript that hands ready-made properties to CloudFormation-level constructs; nobody writes it.
- floor: JavaScript as a user of CDK's own constructs writes the lab (``written.js``).
- bare: the lab in Python, one app, no rule packs.
- whole: what ``labs synth`` does: an app per lab, six rule packs, own rules, records.

JavaScript runs as its user starts it; Python with what ``labs synth`` keeps between processes: bytecode, and CDK's
JavaScript unpacked.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.resources import files
from pathlib import Path

from labkit import engine

ROOT = Path(__file__).resolve().parent.parent
LAB = "d3_realtime_endpoint"
COPIES = (1, 10, 40)
ROUNDS = 3

# A program that makes N copies of the lab; "bare" as one app without packs, "whole" as the labs command does it.
COPY = """
import json, sys
from pathlib import Path
mode, count, out = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
import labkit.synth as synthesis
from labkit.catalogue import ROOT, pick
from dataclasses import replace
from stacks import lab_stack
real = pick(["d3_realtime_endpoint"])[0]
copies = [replace(real, folder=real.folder.with_name(f"d3_copy_{n}")) for n in range(count)]
cls = lab_stack.stack_class(real.folder)
class Copy(cls):
    def src(self, name):
        return real.folder / "src" / name
lab_stack.stack_class = lambda folder: Copy
settings = synthesis.load_settings(file=None)
synthesis.prepare(copies[:1])
if mode == "bare":
    import aws_cdk as cdk
    app = cdk.App(outdir=str(out), context=json.loads((ROOT / "cdk.json").read_text())["context"],
                  analytics_reporting=False, tree_metadata=False)
    for lab in copies:
        Copy(app, folder=lab.folder, title=lab.title, settings=settings)
    app.synth()
else:
    from labkit.review import quick_findings
    for lab in copies:
        if quick_findings(synthesis._make(lab, settings, out, "")).open:
            raise SystemExit(f"{lab.name}: a finding is open")
"""


def cpu(command: list[str], environment: dict[str, str]) -> float:
    """User and system seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def node_modules(where: Path) -> None:
    """Unpack the JavaScript libraries that the Python packages carry."""
    for package, below in (
        ("aws_cdk", "aws-cdk-lib"),
        ("constructs", "constructs"),
        ("aws_cdk.cloud_assembly_schema", "@aws-cdk/cloud-assembly-schema"),
    ):
        (archive,) = Path(str(files(package))).glob("_jsii/*.tgz")
        with tarfile.open(archive) as bundle:
            bundle.extractall(where / "unpacked" / below, filter="data")
        target = where / "node_modules" / below
        target.parent.mkdir(parents=True, exist_ok=True)
        (where / "unpacked" / below / "package").rename(target)


def main() -> None:
    """Print one line per number of copies: floor, bare, whole, and their ratios."""
    environment = {name: value for name, value in engine.environment().items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    subprocess.run([sys.executable, "-m", "labkit.cli", "synth", LAB], check=True, cwd=ROOT, env=environment)
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        node_modules(where)
        for program in ("floor.js", "written.js"):
            shutil.copy(ROOT / "bench" / program, where)
        (where / "copies.py").write_text(COPY)
        template = next((ROOT / "cdk.out" / LAB).glob("*.template.json"))
        floor = [engine.node() or "node", str(where / "floor.js")]
        subprocess.run([*floor, "prepare", str(template), str(where / "typed.json")], check=True, env=environment)
        environment["PYTHONPATH"] = str(ROOT)
        code = str(ROOT / "stacks" / "patterns" / "serving")
        print(
            "copies  least s  floor s  bare s  whole s  bare/floor  whole/floor  bare/least  (least processor seconds)"
        )
        for count in COPIES:
            taken: dict[str, list[float]] = {"least": [], "floor": [], "bare": [], "whole": []}
            for turn in range(ROUNDS):  # in turn, so that a slow moment of the machine hits all four
                out = where / f"out-{count}-{turn}"
                commands = {
                    "least": [*floor, "synth", str(where / "typed.json"), str(count), f"{out}-least"],
                    "floor": [floor[0], str(where / "written.js"), str(count), f"{out}-floor", code],
                }
                for mode in ("bare", "whole"):
                    commands[mode] = [sys.executable, str(where / "copies.py"), mode, str(count), f"{out}-{mode}"]
                for mode, command in commands.items():
                    if turn == 0 and count == COPIES[0]:
                        cpu(command, environment)  # fills what is kept
                    taken[mode].append(cpu(command, environment))
            # The least of the rounds: what else the machine does can only add.
            z, f, b, w = (min(taken[mode]) for mode in ("least", "floor", "bare", "whole"))
            row = f"{count:6}  {z:7.2f}  {f:7.2f}  {b:6.2f}  {w:7.2f}  {b / f:10.2f}  {w / f:11.2f}  {b / z:10.2f}"
            print(row, flush=True)


if __name__ == "__main__":
    main()
