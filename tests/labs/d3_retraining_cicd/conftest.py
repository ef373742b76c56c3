"""The lab's programs, loaded as AWS would load them: by path."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from labkit.catalogue import ROOT, pick

LAB = ROOT / "labs" / "d3_retraining_cicd"
STAGES = LAB / "src" / "release" / "stages"


@pytest.fixture
def lab_folder() -> Path:
    return LAB


@pytest.fixture
def template(synthesize: Any) -> dict[str, Any]:
    found: dict[str, Any] = synthesize(pick(["d3_retraining_cicd"])[0]).template
    return found


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """A program of the lab by its path below the lab's folder; stages find each other as in a build."""
    monkeypatch.syspath_prepend(str(STAGES))
    before = set(sys.modules)

    def load(path: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"retraining_{Path(path).stem}", LAB / path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    # `run` is a common name: nobody else must find this one.
    for name in set(sys.modules) - before:
        if name == "run":
            del sys.modules[name]
