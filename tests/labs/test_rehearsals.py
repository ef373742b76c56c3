"""Every lab is rehearsed: deployed to emulated AWS, run, verified, destroyed, audited."""

from __future__ import annotations

from labkit.assembly import Assembly
from labkit.catalogue import Lab
from labkit.rehearsal.runner import rehearse_labs


def test_the_rehearsal_runs_every_step_holds_every_claim_and_leaves_nothing(lab: Lab, assembly: Assembly) -> None:
    (report,) = rehearse_labs([(lab, assembly)])
    assert report.faults() == []
    assert report.ok
    assert {part.name for part in report.steps} == {step.stem for step in lab.steps}
    assert report.claims
    assert {entry["label"] for entry in report.resources} <= {"executed", "recorded"}
