"""Assemblies made of a few resources, for tests of the estimate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.assembly import Assembly

Make = Callable[..., Assembly]


@pytest.fixture
def lab(tmp_path: Path) -> Make:
    """Writes an assembly: ``lab(resources, region=..., **sections)``."""

    def make(resources: dict[str, Any], *, region: str = "us-east-1", **sections: Any) -> Assembly:
        record = {
            "lab": "d1_sample",
            "stack": "Lab-d1-sample",
            "region": region,
            "partition": "aws",
            "findings": [],
            "accepted": [],
            "versions": {},
        }
        (tmp_path / "lab.json").write_text(json.dumps(record))
        template = {"Resources": resources, **sections}
        (tmp_path / "Lab-d1-sample.template.json").write_text(json.dumps(template))
        return Assembly.read(tmp_path)

    return make
