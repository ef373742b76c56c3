"""The lab's files, loaded as AWS would load them: by path."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

LAB = Path(__file__).resolve().parents[3] / "labs" / "d2_train_private"


@pytest.fixture(scope="session")
def lab_folder() -> Path:
    return LAB


@pytest.fixture(scope="session")
def load() -> Callable[[str], ModuleType]:
    """A module of the lab by its path below the lab's folder."""

    def load(path: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"d2_{Path(path).stem}", LAB / path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
