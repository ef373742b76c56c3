"""Runs the engines that cost milliseconds on one lab and joins what they say with what was accepted."""

from __future__ import annotations

from datetime import date
from itertools import chain

from labkit.review import accepting, guard, nag, own, provers
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab


def quick(lab: Lab, *, today: date) -> list[Evidence]:
    """Rows of cdk-nag, the own rules in Python and, where the gate asked it, in Guard, and the provers.

    Raises:
        EngineFailed: one did not run.
    """
    packs = nag.rows(lab) if nag.ran(lab) else ()
    guarded = guard.rows(lab) if guard.ran(lab) else ()
    return list(accepting.joined(lab, chain(packs, own.rows(lab), guarded, provers.rows(lab)), today=today))


def findings(lab: Lab, *, today: date) -> list[Evidence]:
    """What cdk-nag, the own rules and, where the gate asked it, Guard find; the provers are not asked.

    Raises:
        EngineFailed: one did not run.
    """
    guarded = guard.rows(lab) if guard.ran(lab) else ()
    found = (row for row in guarded if row.status not in ("pass", "not applicable"))
    return list(accepting.joined(lab, chain(nag.findings(lab), own.findings(lab), found), today=today, proved=False))


def versions(lab: Lab) -> dict[str, str]:
    """What ``quick`` reads and runs, with versions."""
    packs = {"cdk-nag": nag.version(lab)} if nag.ran(lab) and not nag.refused(lab) else {}
    guarded = {guard.ENGINE: guard.version()} if guard.ran(lab) and not guard.refused(lab) else {}
    return packs | guarded | {"own rules": own.version()} | provers.versions()
