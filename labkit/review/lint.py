"""Asks cfn-lint for a second, independent opinion on the final template."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from typing import Any

from labkit.review.errors import EngineFailed
from labkit.review.evidence import Evidence, shown
from labkit.review.lab import Lab

ENGINE = "cfn-lint"
# What CDK writes into every template: superfluous DependsOn, fixed zones; and remarks that are not about faults.
IGNORED = ["W3005", "W3010", "I"]


def version() -> str:
    """The version of cfn-lint."""
    return importlib.metadata.version("cfn-lint")


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield a row for each error and warning, or one pass for the template.

    Raises:
        EngineFailed: cfn-lint broke off.
    """
    matches = _matches(lab)
    common: dict[str, Any] = {"engine": ENGINE, "engine_version": version()}
    for match in matches:
        path = [str(step) for step in match.path]
        logical_id = path[1] if path[:1] == ["Resources"] and len(path) > 1 else ""
        where = ".".join(path[3:] if path[2:3] == ["Properties"] else path[2:] if logical_id else path)
        yield Evidence(
            **lab.about(logical_id),
            **common,
            rule=match.rule.id,
            finding=match.rule.id,
            title=match.rule.shortdesc,
            level="error" if match.rule.id.startswith("E") else "warning",
            status="open",
            evidence=f"{where}: {shown(match.message)}" if where else shown(match.message),
        )
    if not matches:
        yield Evidence(
            **lab.about(""),
            **common,
            rule="all",
            title="The template follows the schemas of its region",
            status="pass",
            evidence=f"no error and no warning for {lab.assembly.region}; not asked: {', '.join(IGNORED)}",
        )


def _matches(lab: Lab) -> list[Any]:
    # cfn-lint loads every resource schema: seconds, and only the full review needs them.
    from cfnlint import ManualArgs  # type: ignore[import-untyped]
    from cfnlint.api import lint_file  # type: ignore[import-untyped]

    assembly = lab.assembly
    template = assembly.template_file
    try:
        config = ManualArgs(regions=[assembly.region], ignore_checks=IGNORED)
        return list(lint_file(template, config=config))
    except Exception as error:
        raise EngineFailed(f"{template}: cfn-lint broke off with {type(error).__name__}: {error}") from error
