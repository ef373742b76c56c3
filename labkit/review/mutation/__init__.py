"""Makes templates worse on purpose and asks which rule or prover says so.

An operator is one way to make a template worse; a mutant is a template with one place made worse by one operator. A
mutant is named when an engine that reads templates has a finding that the original does not have. The score is the
share of mutants that are named; those that are no worse than the original are left out by ``equivalent.toml``, each
with a reason. cdk-nag and CDK's validator look at constructs while they are synthesized, so they do not count here.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from labkit.review.mutation.kit.operator import Operator

__all__ = ["REQUIRED", "Operator", "every_operator"]

# The share of mutants that rules and provers name at least.
REQUIRED = 0.98

_FOLDER = Path(__file__).parent / "operators"


@cache
def every_operator() -> tuple[Operator, ...]:
    """Return the operators of the folder, sorted by id.

    Raises:
        ValueError: two operators have one id.
    """
    found: dict[str, Operator] = {}
    for file in sorted(_FOLDER.glob("*.py")):
        if file.stem != "__init__":
            for operator in importlib.import_module(f"{__name__}.operators.{file.stem}").OPERATORS:
                if operator.id in found:
                    raise ValueError(f"{file.name}: the operator {operator.id!r} exists already; every id is used once")
                found[operator.id] = operator
    return tuple(found[name] for name in sorted(found))
