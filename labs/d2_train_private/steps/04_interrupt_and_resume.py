"""Interrupt a job, and resume it

The same training again, slowed down by a second per round, which changes no model. Once its first checkpoint is in S3,
the job is stopped: SageMaker sends SIGTERM and kills it two minutes later, as it does when it takes spot capacity away. A new
job that names the same checkpoints goes on where the first one was, and ends at the model of the step before, byte for
byte.
"""

import hashlib
import runpy
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("training.py")))


def run(session: Session) -> None:
    first = session.recall("first")
    kept = f"shared-{session.now():%d%H%M%S}"
    interrupted = _SHARED["start"](session, "interrupted", checkpoints=kept, pause=1)
    rounds = wait_for_checkpoint(session, interrupted, kept)
    session.say("The first checkpoint is in S3: stopping the job.")
    answer = _SHARED["ask"](session, {"stop": interrupted})
    if answer["status"] != 200:
        raise StepFailed(f"The launcher did not stop {interrupted}: {answer['error']}")
    stopped = _SHARED["ended"](session, interrupted)
    if stopped["TrainingJobStatus"] != "Stopped":
        raise StepFailed(f"{interrupted} is {stopped['TrainingJobStatus']}: it ended before it was stopped. Run again.")
    resumed = _SHARED["start"](session, "resumed", checkpoints=kept)
    found = _SHARED["completed"](session, resumed)
    told = next((line for line in _SHARED["log"](session, resumed) if line.startswith("resuming after")), "")
    if not told:
        raise StepFailed(f"{resumed} did not resume: its log has no line 'resuming after ... rounds'.")
    whole = _SHARED["model"](session, _SHARED["describe"](session, first["job"]))
    again = _SHARED["model"](session, found)
    session.table(
        "The same model",
        [
            {"job": first["job"], "how": "in one go", "sha256 of the model": hashlib.sha256(whole).hexdigest()},
            {"job": resumed, "how": told, "sha256 of the model": hashlib.sha256(again).hexdigest()},
        ],
    )
    if whole != again:
        raise StepFailed(f"{resumed} ended at another model than {first['job']}.")
    session.remember("resume", {"interrupted": interrupted, "resumed": resumed, "checkpoints": kept, "seen": rounds})


def wait_for_checkpoint(session: Session, job: str, name: str) -> str:
    """Wait until the job's first checkpoint is in the bucket; returns its key."""
    s3 = session.client("s3")
    prefix = f"{session.outputs['DataPrefix']}checkpoints/{name}/"

    def look() -> str | None:
        found = s3.list_objects_v2(Bucket=session.outputs["DataBucketName"], Prefix=prefix).get("Contents", [])
        if found:
            return str(found[0]["Key"])
        described = _SHARED["describe"](session, job)
        if described["TrainingJobStatus"] != "InProgress":
            reason = described.get("FailureReason", "no reason given")
            raise StepFailed(f"{job} is {described['TrainingJobStatus']} before its first checkpoint: {reason}")
        return None

    return session.wait("waiting for the first checkpoint", look, timeout=3600, every=5)
