"""The code that runs in AWS, loaded with the settings that a stack gives it."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
LAB = ROOT / "labs" / "d4_model_monitor"
CODE = ROOT / "stacks" / "patterns" / "monitoring_code"

Load = Callable[[Path, dict[str, Any]], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """A module by path, with a region, dummy keys and the variable SETTINGS."""

    def load(path: Path, settings: dict[str, Any]) -> ModuleType:
        for name, value in {
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "SETTINGS": json.dumps(settings),
        }.items():
            monkeypatch.setenv(name, value)
        spec = importlib.util.spec_from_file_location(f"d4_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def calibrate() -> Iterator[ModuleType]:
    """The lab's src/calibrate.py, which brings rows before the analyser."""
    sys.path.insert(0, str(LAB / "src"))
    spec = importlib.util.spec_from_file_location("d4_calibrate", LAB / "src" / "calibrate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(LAB / "src"))
