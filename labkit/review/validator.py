"""What CDK's own template validator said at synthesis."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.review.evidence import Evidence
from labkit.review.lab import Lab

ENGINE = "CloudFormation Validate"


def ran(lab: Lab) -> bool:
    """Whether it looked at the lab: it takes seconds to start, so that only the gate asks for it."""
    return bool(lab.assembly.record.get("validated"))


def version(lab: Lab) -> str:
    """The validator comes with CDK."""
    return lab.assembly.versions.get("aws-cdk-lib", "")


def rows(lab: Lab) -> Iterator[Evidence]:
    """Yield a row for each problem, or one pass for the template."""
    found = lab.assembly.record.get("validator", [])
    for finding in found:
        yield Evidence(
            **(lab.about(finding["logical_id"]) | {"path": finding["path"]}),
            engine=ENGINE,
            engine_version=version(lab),
            rule=finding["rule"],
            finding=finding["finding"],
            title=f"Looks for: {finding['description']}",
            level="error" if finding["level"] in ("error", "fatal") else "warning",
            status="open",
            evidence=finding["description"],
        )
    if not found:
        yield Evidence(
            **lab.about(""),
            engine=ENGINE,
            engine_version=version(lab),
            rule="all",
            title="The template is one that CloudFormation would take",
            status="pass",
            evidence="no problem reported",
        )
