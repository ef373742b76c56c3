"""Assemblies in the shape of real labs."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.assembly import Assembly

_FILE = Path(__file__).with_name("templates.py")
_SPEC = importlib.util.spec_from_file_location("diagram_templates", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)


def write(
    folder: Path, template: dict[str, Any], *, name: str = "d3_sample", paths: dict[str, str] | None = None
) -> Assembly:
    """An assembly that holds one template."""
    record = {
        "lab": name,
        "stack": "Lab-sample",
        "region": "us-east-1",
        "partition": "aws",
        "findings": [],
        "accepted": [],
        "versions": {},
        "paths": paths or {},
    }
    (folder / "lab.json").write_text(json.dumps(record))
    (folder / "Lab-sample.template.json").write_text(json.dumps(template))
    return Assembly.read(folder)


@pytest.fixture(name="templates")
def _templates() -> Any:
    """The module that holds the templates and what they are made of."""
    return _MODULE


@pytest.fixture(params=sorted(_MODULE.ALL))
def every(request: pytest.FixtureRequest, tmp_path: Path) -> Assembly:
    """Each of the templates in turn."""
    return write(tmp_path, _MODULE.ALL[request.param](), name=request.param)


@pytest.fixture
def lab(tmp_path: Path) -> Callable[..., Assembly]:
    """One of the templates by name, or given resources: ``lab("data_lake")``, ``lab({...}, paths={...})``."""

    def make(wanted: str | dict[str, Any], **given: Any) -> Assembly:
        template = _MODULE.ALL[wanted]() if isinstance(wanted, str) else {"Resources": wanted}
        return write(tmp_path, template, **given)

    return make
