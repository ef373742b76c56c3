"""The resource types that the rehearsal emulates; every other type becomes a record of its shape."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from labkit.rehearsal.types.row import Row

# Services whose name cannot be a module's name.
MODULES = {"Lambda": "awslambda"}


@cache
def row(type: str) -> Row | None:
    """The row of a CloudFormation type, or None where the rehearsal has none.

    ``AWS::S3::Bucket`` stands in the module ``s3``; only the modules that a template needs are imported.
    """
    if type.startswith("Custom::") or type == "AWS::CloudFormation::CustomResource":
        from labkit.rehearsal.types.custom import ROW

        return ROW
    parts = type.split("::")
    service = MODULES.get(parts[1], parts[1].lower()) if len(parts) == 3 and parts[0] == "AWS" else ""
    module = f"{__name__}.{service}"
    if not service or find_spec(module) is None:
        return None
    rows: list[Row] = import_module(module).ROWS
    return next((found for found in rows if found.type == type), None)
