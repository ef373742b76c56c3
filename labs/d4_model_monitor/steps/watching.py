"""What the steps share: requests to the endpoint, their outcomes, runs of the monitor, and what it said."""

import csv
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from labkit.session import Session, StepFailed

AT_ONCE = 8
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
JOB_LOGS = "/aws/sagemaker/ProcessingJobs"
FINISHED = ("Completed", "Failed", "Stopped")
Row = list[str]


def rows(session: Session, name: str) -> list[Row]:
    """The flights of a file: the outcome first, then the features."""
    with (session.data / f"{name}.csv").open(newline="") as file:
        return list(csv.reader(file))[1:]


def send(session: Session, name: str, flights: list[Row], *, change: Callable[[Row], Row] = lambda row: row) -> None:
    """Ask for each flight in a request of its own, and note when, under which ids.

    Args:
        change: what happens to the features on their way.
    """
    begun = session.now().replace(microsecond=0)
    runtime, endpoint = session.client("sagemaker-runtime"), session.outputs["EndpointName"]
    mark = f"{name}-{begun:%d%H%M%S}"

    def ask(numbered: tuple[int, Row]) -> str:
        number, row = numbered
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint,
            Body=(",".join(change(row[1:])) + "\n").encode(),
            ContentType="text/csv",
            Accept="text/csv",
            InferenceId=f"{mark}-{number:04d}",
        )
        return str(answer["Body"].read().decode().strip())

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(ask, enumerate(flights)))
    session.sleep(60)  # the next requests belong to another window
    noted = {"mark": mark, "start": stamp(begun), "end": stamp(session.now()), "sent": len(answers)}
    session.remember(f"traffic {name}", noted)
    session.say(f"{len(answers)} requests from {noted['start']} to {noted['end']}; the first answer was {answers[0]}.")
    session.wait("the requests appear in the bucket", lambda: captured(session, noted), timeout=1200, every=30)


def captured(session: Session, traffic: dict[str, Any]) -> bool:
    """Whether all requests of some traffic have been captured."""
    s3, bucket = session.client("s3"), session.outputs["CaptureBucketName"]
    found = 0
    for hour in hours(traffic):
        pages = s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=f"{session.outputs['CapturePrefix']}/{hour}/"):
            for item in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode()
                found += body.count(f'"{traffic["mark"]}-')
    return found >= traffic["sent"]


def tell(session: Session, name: str, flights: list[Row]) -> None:
    """File the outcomes of some traffic under the present hour, as Model Monitor wants them."""
    traffic = session.recall(f"traffic {name}")
    lines = [
        json.dumps(
            {
                "groundTruthData": {"data": row[0], "encoding": "CSV"},
                "eventMetadata": {"eventId": f"{traffic['mark']}-{number:04d}"},
                "eventVersion": "0",
            }
        )
        for number, row in enumerate(flights)
    ]
    key = f"{session.outputs['OutcomesPrefix']}/{session.now():%Y/%m/%d/%H}/{traffic['mark']}.jsonl"
    session.client("s3").put_object(
        Bucket=session.outputs["OutcomesBucketName"], Key=key, Body=("\n".join(lines) + "\n").encode()
    )
    session.say(f"{len(lines)} outcomes filed under {key}.")


def watch(session: Session, kind: str, name: str) -> dict[str, Any]:
    """Run the monitor on the window of some traffic now, wait for its report, and keep it."""
    traffic = session.recall(f"traffic {name}")
    window = {"mode": "monitor", "kind": kind, "start": traffic["start"], "end": traffic["end"]}
    job = launch(session, window | {"again": f"{session.now():%H%M%S}"})
    found = report(session, job)
    session.remember(f"report {kind} {name}", {"job": job, "violations": found["violations"]})
    session.table(
        f"What the monitor says of {name}: {found['status']}",
        [brief(violation) for violation in found["violations"]] or [{"what": "nothing", "check": "", "why": ""}],
    )
    return found


def brief(violation: dict[str, str]) -> dict[str, str]:
    what = violation.get("feature_name") or violation["metric_name"]
    why = violation["description"]
    return {
        "what": what,
        "check": violation["constraint_check_type"],
        "why": why if len(why) < 140 else why[:137] + "...",
    }


def launch(session: Session, event: dict[str, Any]) -> str:
    """Have the launcher start a job, and wait until it is done."""
    keep_logs_out(session)
    called = session.client("lambda").invoke(
        FunctionName=session.outputs["LauncherName"], Payload=json.dumps(event).encode()
    )
    answer = json.loads(called["Payload"].read())
    if "FunctionError" in called or not answer["job"]:
        raise StepFailed(f"The launcher started no job: {answer.get('errorMessage') or answer.get('because')}.")
    finished(session, answer["job"])
    return str(answer["job"])


def finished(session: Session, job: str) -> None:
    """Wait until a job is done; one that failed is told with its reason."""
    sagemaker = session.client("sagemaker")

    def done() -> dict[str, Any] | None:
        found = sagemaker.describe_processing_job(ProcessingJobName=job)
        return dict(found) if found["ProcessingJobStatus"] in FINISHED else None

    found = session.wait(f"job {job} runs", done, timeout=3000, every=20)
    if found["ProcessingJobStatus"] != "Completed":
        why = found.get("ExitMessage") or found.get("FailureReason", "no reason given")
        raise StepFailed(f"Job {job} is {found['ProcessingJobStatus']}: {why}. Its log stream is in {JOB_LOGS}.")
    session.say(found.get("ExitMessage", "The job left no message."))


def keep_logs_out(session: Session) -> None:
    """SageMaker makes one log group for all processing jobs of an account: if the lab causes it, the lab removes it."""
    groups = session.client("logs").describe_log_groups(logGroupNamePrefix=JOB_LOGS)["logGroups"]
    if JOB_LOGS not in [group["logGroupName"] for group in groups]:
        session.created("AWS::Logs::LogGroup", JOB_LOGS)


def report(session: Session, job: str, file: str = "report.json") -> dict[str, Any]:
    """A file that a job wrote."""
    key = f"{job}/{file}"
    body = session.client("s3").get_object(Bucket=session.outputs["ReportsBucketName"], Key=key)["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found


def alarms(session: Session) -> dict[str, str]:
    """The state of every alarm of the lab, by name without the stack's."""
    found = session.client("cloudwatch").describe_alarms(AlarmNamePrefix=session.stack)["MetricAlarms"]
    return {alarm["AlarmName"].removeprefix(f"{session.stack}-"): alarm["StateValue"] for alarm in found}


def expect(session: Session, **states: str) -> None:
    """Wait until alarms are in these states; names with underscores for hyphens."""
    wanted = {name.replace("_", "-"): state for name, state in states.items()}

    def reached() -> bool:
        return wanted.items() <= alarms(session).items()

    try:
        session.wait(", ".join(f"{name} is {state}" for name, state in wanted.items()), reached, timeout=1800, every=60)
    except StepFailed:
        found = alarms(session)
        odd = [f"{name} is {found.get(name, 'absent')}" for name, state in wanted.items() if found.get(name) != state]
        raise StepFailed(
            f"{', '.join(odd)}. Compare the alarm's metric and dimensions with what the publisher writes into "
            f"{session.outputs['MetricsNamespaceName']}, and read the publisher's log and the queue of undelivered events."
        ) from None
    session.table("Alarms", [{"alarm": name, "state": state} for name, state in sorted(alarms(session).items())])


def hours(traffic: dict[str, Any]) -> list[str]:
    """The hours that some traffic touches, as paths."""
    hour, end = (datetime.fromisoformat(traffic[name]) for name in ("start", "end"))
    hour = hour.replace(minute=0, second=0)
    found = []
    while hour < end:
        found.append(f"{hour:%Y/%m/%d/%H}")
        hour += HOUR
    return found


def stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
