"""Gives the tests of a lab's ``verify.py`` the session of what is deployed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labkit.session import Session


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option: the file that describes the session."""
    parser.addoption("--session", required=True)


@pytest.fixture(scope="session")
def session(request: pytest.FixtureRequest) -> Session:
    """The deployed lab."""
    handed = json.loads(Path(request.config.getoption("--session")).read_text())
    return Session(
        lab=Path(handed["lab"]), stack=handed["stack"], region=handed["region"], outputs=handed["outputs"],
        folder=Path(handed["folder"]),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _claim(request: pytest.FixtureRequest, record_property: pytest.RecordProperty) -> None:  # type: ignore[name-defined]
    """Each test's docstring is the claim it checks."""
    text = (request.function.__doc__ or request.node.name).strip()
    record_property("claim", " ".join(text.split()))
