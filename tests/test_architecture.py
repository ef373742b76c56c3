"""Who may import whom, and that synthesis stays pure. Walks the source; runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.catalogue import ROOT

STEP_LIBRARIES = {"boto3", "botocore", "sagemaker", "numpy", "pyarrow", "fastavro", "matplotlib", "xgboost", "pytest"}
SYNTH = ROOT / "labkit" / "synth.py"


def imports(path: Path, *, below: str = "") -> Iterator[str]:
    """Full names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(*patterns: str) -> list[Path]:
    found = [path for pattern in patterns for path in sorted(ROOT.glob(pattern)) if "__pycache__" not in path.parts]
    assert found, patterns
    return found


def offenders(paths: list[Path], forbidden: tuple[str, ...]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imports(path)
        if any(name == bad or name.startswith(f"{bad}.") for bad in forbidden)
    ]


def test_only_synthesis_imports_cdk_and_the_stacks() -> None:
    rest = [path for path in files("labkit/**/*.py") if path != SYNTH]
    assert offenders(rest, ("aws_cdk", "constructs", "cdk_nag")) == []
    others = [path for path in rest if "review" not in path.parts]
    assert offenders(others, ("stacks",)) == []
    reviewing = [
        line for line in offenders(files("labkit/review/**/*.py"), ("stacks",)) if "imports stacks.rules" not in line
    ]
    assert reviewing == []


def test_stacks_know_no_lab_and_no_kit() -> None:
    assert offenders(files("stacks/**/*.py"), ("labs", "labkit")) == []


def test_nouns_do_not_know_patterns() -> None:
    assert offenders(files("stacks/secure/*.py"), ("stacks.patterns", "stacks.lab_stack")) == []


def test_rules_read_templates_without_cdk() -> None:
    assert offenders(files("stacks/rules/**/*.py"), ("aws_cdk", "constructs", "stacks.secure", "stacks.patterns")) == []


def test_stacks_of_labs_are_pure() -> None:
    stacks = files("labs/*/stack.py")
    forbidden = (
        "boto3",
        "botocore",
        "os",
        "datetime",
        "time",
        "random",
        "uuid",
        "socket",
        "urllib",
        "requests",
        "labkit",
    )
    assert offenders(stacks, forbidden) == []
    for stack in stacks:
        others = [name for name in imports(stack) if name.startswith("labs.")]
        assert others == [], stack


def test_shared_constructs_are_pure() -> None:
    runs_in_aws = {"housekeeping_code", "monitoring_code", "serving"}
    shared = [p for p in files("stacks/**/*.py") if not runs_in_aws & set(p.parts) and "generate" not in p.stem]
    forbidden = ("boto3", "botocore", "time", "random", "uuid", "socket", "urllib", "requests", "subprocess")
    assert [line for line in offenders(shared, forbidden) if "stacks/images/generate" not in line] == []
    impure = [
        p
        for p in shared
        for word in ("from_lookup", "datetime.now", "os.environ", "date.today")
        if word in p.read_text()
    ]
    assert impure == []


@pytest.mark.parametrize("pattern", ["labs/*/steps/*.py", "labs/*/verify.py"])
def test_steps_and_claims_import_the_session_and_libraries_only(pattern: str) -> None:
    import sys

    allowed = STEP_LIBRARIES | set(sys.stdlib_module_names)
    odd = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(pattern)
        for name in imports(path)
        if name.split(".")[0] not in allowed and not name.startswith("labkit.session")
        if name != "labkit"
    ]
    assert odd == []


def test_no_template_text_names_one_partition() -> None:
    literal = "arn:" + "aws:"
    assert [
        str(p)
        for p in files("stacks/**/*.py", "labs/*/stack.py")
        if literal in p.read_text() and "rules" not in p.parts
    ] == []


def test_findings_are_accepted_through_one_door() -> None:
    door = ROOT / "stacks" / "acceptance.py"
    paths = [p for p in files("stacks/**/*.py", "labs/**/*.py", "labkit/**/*.py", "app.py") if p != door]
    assert [str(p) for p in paths if ".acknowledge(" in p.read_text() or "NagSuppressions" in p.read_text()] == []


def test_order_is_written_through_one_door() -> None:
    """LabStack.order() writes DependsOn; CDK's own verbs would be overwritten by it."""
    words = (".add_dependency(", ".add_resource_dependency(", ".add_depends_on(")
    paths = files("stacks/**/*.py", "labs/*/stack.py")
    assert [str(p) for p in paths for word in words if word in p.read_text()] == []


def test_cdk_grants_are_not_used() -> None:
    assert [str(p) for p in files("stacks/**/*.py", "labs/*/stack.py") if ".grant_" in p.read_text()] == []


def test_reading_the_catalogue_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys, labkit.cli, labkit.catalogue; labkit.catalogue.find();"
        "heavy = ('aws_cdk', 'jsii', 'boto3', 'pydantic', 'jinja2', 'cfnlint', 'moto', 'numpy');"
        "print([name for name in heavy if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert printed.strip() == "[]"
