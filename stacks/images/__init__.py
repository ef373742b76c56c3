"""AWS's own images: which registry holds them in which region."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("images.json")


def image_uri(framework: str, *, region: str, version: str) -> str:
    """The image of a framework in a region, from the registry that AWS keeps there.

    Args:
        framework: ``xgboost``, ``sklearn``, ``clarify`` or ``model-monitor``.
        region: such as ``us-east-1``, in the aws, aws-us-gov or aws-cn partition.
        version: as the SageMaker SDK names it, such as ``3.2-0``; ``latest`` for images without a tag.

    Returns:
        Such as ``<account>.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0``. That the tag exists in the
        region's registry is not checked: only ECR knows.

    Raises:
        ValueError: the framework, version or region is not in the table; names what is.

    Source: images.json, generated from the tables of the SageMaker SDK.
    """
    frameworks = _table()["frameworks"]
    image = _one_of(frameworks, framework, "framework")
    tag = _one_of(image["tags"], version, f"version of {framework}")
    registry = _one_of(image["registries"], region, f"region for {framework}")
    return f"{registry}/{image['repository']}" + (f":{tag}" if tag else "")


def _one_of(known: dict[str, Any], wanted: str, what: str) -> Any:
    if wanted not in known:
        raise ValueError(f"no image: unknown {what}: got {wanted!r}; allowed: {', '.join(known)}")
    return known[wanted]


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table
