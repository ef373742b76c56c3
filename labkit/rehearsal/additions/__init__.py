"""Operations that moto lacks and a stack's life needs: mostly changing and deleting what it can create.

One module per moto package; ``install`` gives each its turn when moto's own module is imported.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from labkit.rehearsal.context import Context

PACKAGES = ("athena", "cloudwatch", "codebuild", "codedeploy", "glue", "logs", "sagemaker")


def install(context: Context) -> None:
    """Add the operations, without importing a service that nobody calls."""
    for package in PACKAGES:
        context.on_import(f"moto.{package}.responses", lambda module, package=package: _add(module, package))  # type: ignore[misc]


def _add(module: ModuleType, package: str) -> None:
    additions = import_module(f"{__name__}.{package}")
    response: Any = getattr(module, additions.RESPONSE)
    for added in additions.OPERATIONS:
        # What moto has one day, or a runtime module has now, comes first.
        if added.__name__ not in vars(response):
            setattr(response, added.__name__, added)
    for operation, wrap in getattr(additions, "WRAPPED", {}).items():
        setattr(response, operation, wrap(getattr(response, operation)))
