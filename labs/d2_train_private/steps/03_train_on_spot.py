"""Train on spot

The launcher starts a job on spare capacity. It learns until the validation AUC has not improved for 20 rounds, leaves a
checkpoint every five rounds, and tells its metrics in lines that the metric definitions match. Compare the time that
is billed with the time that it took.
"""

import runpy
from pathlib import Path

from labkit.session import Session

_SHARED = runpy.run_path(str(Path(__file__).with_name("training.py")))


def run(session: Session) -> None:
    job = _SHARED["start"](session, "first")
    found = _SHARED["completed"](session, job)
    session.table(
        "States of the job",
        [
            {
                "state": one["Status"],
                "seconds": round((one["EndTime"] - one["StartTime"]).total_seconds()),
                "message": one["StatusMessage"],
            }
            for one in found["SecondaryStatusTransitions"]
        ],
    )
    session.table("Metrics at the end", [_SHARED["metrics"](found)])
    session.say(_SHARED["log"](session, job)[-2])
    took, billed = found["TrainingTimeInSeconds"], found["BillableTimeInSeconds"]
    session.say(f"It took {took} s, of which {billed} s are billed: {1 - billed / took:.0%} saved by spot.")
    session.remember("first", {"job": job, "model": found["ModelArtifacts"]["S3ModelArtifacts"]})
