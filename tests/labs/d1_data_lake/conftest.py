"""The lab's own code, importable as it is on the machine of a learner."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from labkit.catalogue import ROOT

FOLDER = ROOT / "labs" / "d1_data_lake"
sys.path.insert(0, str(FOLDER / "src"))


@pytest.fixture
def folder() -> Path:
    """The lab's folder."""
    return FOLDER


@pytest.fixture(scope="session")
def flights() -> Any:
    """The lab's data set as a table."""
    import formats

    with (FOLDER / "data" / "flights.csv").open("rb") as file:
        return formats.FORMATS["csv"].read(file, formats.COLUMNS)
