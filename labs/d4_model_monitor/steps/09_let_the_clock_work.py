"""Let the clock start a job

Until now you started the jobs. Wait for the next quarter past the hour: the schedule starts one for the whole hour that has
passed, its event makes the publisher write metrics, and nobody was needed. Then the step switches the schedules off, so that
no more jobs are billed.
"""

import runpy
from datetime import timedelta
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("watching.py")))
KEPT = (
    "Name", "Description", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target",
)  # fmt: skip


def run(session: Session) -> None:
    if session.outputs["MonitorPathName"] == "portable":
        wait_for_the_hour(session)
    stop(session)


def wait_for_the_hour(session: Session) -> None:
    """The schedule's job has the hour's end in its name."""
    _SHARED["send"](session, "clock", _SHARED["rows"](session, "autumn")[:200])
    traffic = session.recall("traffic clock")
    last = _SHARED["datetime"].fromisoformat(traffic["end"]) - timedelta(seconds=60)
    end = last.replace(minute=0, second=0) + timedelta(hours=1)
    job = f"{session.outputs['JobPrefix']}-fresh-{end:%Y%m%d%H%M%S}"
    sagemaker = session.client("sagemaker")

    def started() -> bool:
        found = sagemaker.list_processing_jobs(NameContains=job)["ProcessingJobSummaries"]
        return any(entry["ProcessingJobName"] == job for entry in found)

    session.wait(f"the schedule starts {job}", started, timeout=5400, every=120)
    _SHARED["finished"](session, job)
    found = _SHARED["report"](session, job)
    session.remember("clock", {"job": job, "rows": found["capture"]["rows"], "violations": found["violations"]})
    session.say(f"The job looked at {found['capture']['rows']} requests of the hour before {end:%H:%M} UTC.")
    if found["capture"]["rows"] < traffic["sent"]:
        raise StepFailed(
            f"The job saw {found['capture']['rows']} rows; {traffic['sent']} were sent in this step alone."
        )


def stop(session: Session) -> None:
    """Switch the schedules off; what runs now goes on."""
    path = session.outputs["MonitorPathName"]
    for name in session.outputs["ScheduleNames"].split(","):
        if path == "sagemaker":
            session.client("sagemaker").stop_monitoring_schedule(MonitoringScheduleName=name)
        else:
            scheduler = session.client("scheduler")
            found = scheduler.get_schedule(Name=name)
            given = {key: found[key] for key in KEPT if key in found}
            scheduler.update_schedule(**given, State="DISABLED")
        session.say(f"{name} is off.")
