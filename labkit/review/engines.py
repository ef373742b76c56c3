"""Runs the engines that cost milliseconds on one lab and joins what they say with what was accepted."""

from __future__ import annotations

from datetime import date
from itertools import chain

from labkit.review import accepting, nag, own
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab


def quick(lab: Lab, *, today: date) -> list[Evidence]:
    """Rows of cdk-nag and the own rules.

    Raises:
        EngineFailed: one did not run.
    """
    return list(accepting.joined(lab, chain(nag.rows(lab), own.rows(lab)), today=today))


def findings(lab: Lab, *, today: date) -> list[Evidence]:
    """The same without passes and without rules that had nothing to look at: what a count of findings needs.

    Raises:
        EngineFailed: one did not run.
    """
    return list(accepting.joined(lab, chain(nag.findings(lab), own.findings(lab)), today=today))


def versions(lab: Lab) -> dict[str, str]:
    """What ``quick`` reads and runs, with versions."""
    return {"cdk-nag": nag.version(lab), "own rules": own.version()}
