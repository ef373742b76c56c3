"""Reviews synthesized labs: engines, findings, what was accepted and why, evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from labkit.assembly import Assembly
from labkit.review import engines, lint, outside, validator
from labkit.review.errors import EngineFailed
from labkit.review.evidence import Counts, Evidence
from labkit.review.foreign import read_folder
from labkit.review.lab import Lab
from labkit.review.limits import limits, unseen_types
from labkit.review.result import Review, Reviewed

__all__ = [
    "Counts",
    "EngineFailed",
    "Evidence",
    "Review",
    "Reviewed",
    "quick_findings",
    "read_folder",
    "review",
    "review_folder",
]


def review(
    assemblies: Sequence[Assembly],
    *,
    today: date | None = None,
    out: Path | None = None,
    second_opinion: bool = True,
) -> Review:
    """Run the engines on every lab, and write the evidence.

    Args:
        assemblies: the synthesized labs.
        today: the day on which review dates are judged; default: this day.
        out: folder for the evidence in all its forms; default: nothing is written.
        second_opinion: ask what takes seconds too: cfn-lint, and about templates of others Guard and cdk-nag; evidence
            without them does not name them as engines.

    Raises:
        EngineFailed: an engine did not run; nothing is written.
        UserError: an assembly is damaged; nothing is written.
    """
    asked = outside.judged(assemblies) if second_opinion else assemblies
    labs = sorted((Lab(assembly) for assembly in asked), key=lambda lab: lab.assembly.lab)
    judged_on = today or date.today()
    ran: dict[str, str] = {}
    rows: list[Evidence] = []
    for lab in labs:
        ran |= engines.versions(lab)
        rows += engines.quick(lab, today=judged_on)
        if validator.ran(lab):
            ran |= {validator.ENGINE: validator.version(lab)}
            rows += validator.rows(lab)
        if second_opinion:
            ran |= {lint.ENGINE: lint.version()}
            rows += lint.rows(lab)
    result = Review(
        judged_on=judged_on,
        labs=tuple(_reviewed(lab) for lab in labs),
        engines=dict(sorted(ran.items())),
        rows=tuple(sorted(rows, key=Evidence.order)),
        limits=tuple(limits()),
    )
    if out is not None:
        # Rendering needs jinja2; counting findings does not.
        from labkit.review.writing import write

        write(result, out)
    return result


def review_folder(folder: Path, *, region: str | None = None, second_opinion: bool = True) -> Review:
    """Review any CDK assembly or folder of templates, such as in a test: ``assert review_folder(path).open == []``.

    Args:
        folder: ``cdk.out`` of any CDK app, or a folder of templates in JSON or YAML.
        region: where the templates are for; default: what the assembly says, else us-east-1.
        second_opinion: ask what takes seconds too: cfn-lint, Guard and cdk-nag.

    Raises:
        EngineFailed: an engine did not run.
        UserError: there is no template, or a file is broken.
    """
    return review(read_folder(folder, region=region), second_opinion=second_opinion)


def quick_findings(assembly: Assembly, *, today: date | None = None) -> Counts:
    """Count what cdk-nag and the own rules find in one lab, in milliseconds; passes and cfn-lint are left out."""
    return Counts.of(engines.findings(Lab(assembly), today=today or date.today()))


def _reviewed(lab: Lab) -> Reviewed:
    assembly = lab.assembly
    content = assembly.template_file.read_bytes()
    return Reviewed(
        lab=assembly.lab,
        stack=assembly.stack,
        region=assembly.region,
        partition=assembly.partition,
        template=hashlib.sha256(content).hexdigest(),
        unseen_types=tuple(unseen_types(lab)),
    )
