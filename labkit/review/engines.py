"""Runs the engines that cost milliseconds on one lab and joins what they say with what was accepted."""

from __future__ import annotations

from datetime import date
from itertools import chain

from labkit.review import accepting, nag, own, provers
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab


def quick(lab: Lab, *, today: date) -> list[Evidence]:
    """Rows of cdk-nag, the own rules and the provers.

    Raises:
        EngineFailed: one did not run.
    """
    packs = () if lab.foreign else nag.rows(lab)
    return list(accepting.joined(lab, chain(packs, own.rows(lab), provers.rows(lab)), today=today))


def findings(lab: Lab, *, today: date) -> list[Evidence]:
    """What cdk-nag and the own rules find; passes are left out, and the provers are not asked.

    Raises:
        EngineFailed: one did not run.
    """
    return list(accepting.joined(lab, chain(nag.findings(lab), own.findings(lab)), today=today, proved=False))


def versions(lab: Lab) -> dict[str, str]:
    """What ``quick`` reads and runs, with versions."""
    packs = {} if lab.foreign else {"cdk-nag": nag.version(lab)}
    return packs | {"own rules": own.version()} | provers.versions()
