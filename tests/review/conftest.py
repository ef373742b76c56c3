"""Assemblies as synthesis leaves them, written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.assembly import Assembly

Make = Callable[..., Assembly]


def finding(
    rule: str, logical_id: str, *, engine: str = "AwsSolutions", exact: str = "", **more: Any
) -> dict[str, Any]:
    """A finding as synthesis records it."""
    return {
        "engine": engine,
        "rule": rule,
        "finding": exact or rule,
        "level": "error",
        "logical_id": logical_id,
        "path": f"Lab-d9-tiny/{logical_id}",
        "description": "It is not so.",
        "controls": [],
    } | more


def acceptance(rule: str, *logical_ids: str, engine: str = "AwsSolutions", **more: Any) -> dict[str, Any]:
    """An acceptance as synthesis records it."""
    return {
        "engine": engine,
        "rule": rule,
        "logical_ids": list(logical_ids),
        "path": f"Lab-d9-tiny/{logical_ids[0] if logical_ids else 'Gone'}",
        "because": "the data is public and can be made again from the lab's folder",
        "kind": "risk-accepted",
        "owner": "lab maintainers",
        "review_by": "2027-05-31",
    } | more


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write an assembly and read it."""

    def assembly(
        resources: dict[str, Any] | None = None,
        *,
        findings: list[dict[str, Any]] | None = None,
        accepted: list[dict[str, Any]] | None = None,
        lab: str = "d9_tiny",
        text: str | None = None,
        **record: Any,
    ) -> Assembly:
        stack = f"Lab-{lab.replace('_', '-')}"
        folder = tmp_path / "cdk.out" / lab
        folder.mkdir(parents=True)
        default = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
        template = text if text is not None else json.dumps({"Resources": resources or default})
        (folder / f"{stack}.template.json").write_text(template)
        content = {
            "lab": lab,
            "stack": stack,
            "region": "us-east-1",
            "partition": "aws",
            "versions": {"cdk-nag": "3.0.2"},
            "paths": {name: f"Parts/{name}" for name in resources or {}},
            "findings": findings or [],
            "accepted": accepted or [],
        } | record
        (folder / "lab.json").write_text(json.dumps(content))
        return Assembly.read(folder)

    return assembly
