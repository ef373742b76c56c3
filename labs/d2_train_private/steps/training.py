"""What the steps share: the launcher is asked, a job is followed to its end, and its archives are read."""

import io
import json
import tarfile
from typing import Any

from labkit.session import Session, StepFailed

TAIL = 12  # lines of a failed job's log that are shown


def ask(session: Session, event: dict[str, Any]) -> dict[str, Any]:
    """The launcher's answer to an event, whatever its status."""
    called = session.client("lambda").invoke(
        FunctionName=session.outputs["LauncherFunctionName"], Payload=json.dumps(event).encode()
    )
    answer = json.loads(called["Payload"].read())
    if "FunctionError" in called:
        raise StepFailed(f"The launcher failed: {answer}")
    return answer


def start(session: Session, name: str, *, checkpoints: str | None = None, **hyperparameters: float) -> str:
    """Start a job; returns its name. A name is used once in an account, so that the time is added to it."""
    unique = f"{name}-{session.now():%d%H%M%S}"
    # Every job of the stack has a name that begins with the stack's.
    job = f"{session.stack.lower()}-{unique}"
    session.created("AWS::SageMaker::TrainingJob", job)
    event = {"start": unique, "hyperparameters": hyperparameters, "checkpoints": checkpoints or unique}
    answer = ask(session, event)
    if answer["status"] != 200:
        raise StepFailed(f"The launcher refused to start {unique}: {answer['error']}")
    return str(answer["job"])


def describe(session: Session, job: str) -> dict[str, Any]:
    return dict(session.client("sagemaker").describe_training_job(TrainingJobName=job))


def ended(session: Session, job: str) -> dict[str, Any]:
    """The description of a job once it is over."""

    def over() -> dict[str, Any] | None:
        found = describe(session, job)
        return found if found["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return session.wait(f"{job} is running", over, timeout=7200)


def completed(session: Session, job: str) -> dict[str, Any]:
    """The description of a job that came to its end; anything else is told with the end of its log."""
    found = ended(session, job)
    if found["TrainingJobStatus"] != "Completed":
        lines = "\n".join(log(session, job)[-TAIL:])
        reason = found.get("FailureReason", found["SecondaryStatus"])
        raise StepFailed(f"{job} is {found['TrainingJobStatus']}: {reason}\nThe end of its log:\n{lines}")
    return found


def log(session: Session, job: str) -> list[str]:
    """What a job printed."""
    logs, group = session.client("logs"), session.outputs["TrainingLogGroupName"]
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
    lines = []
    for stream in streams:
        session.created("AWS::Logs::LogStream", f"{group}|{stream['logStreamName']}")
        found = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
        lines += [event["message"] for event in found["events"]]
    return lines


def files(session: Session, url: str) -> dict[str, bytes]:
    """The files of an archive in S3."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    content = session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    found = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            if file := archive.extractfile(member):
                found[member.name] = file.read()
    return found


def model(session: Session, described: dict[str, Any]) -> bytes:
    """The model file of a job."""
    return files(session, described["ModelArtifacts"]["S3ModelArtifacts"])["xgboost-model.json"]


def output(session: Session, described: dict[str, Any]) -> dict[str, Any]:
    """The learning curve and the evaluation that a job wrote: ``history`` and ``evaluation``."""
    place = described["ModelArtifacts"]["S3ModelArtifacts"].replace("model.tar.gz", "output.tar.gz")
    found = files(session, place)
    return {name: json.loads(found[f"{name}.json"]) for name in ("history", "evaluation")}


def metrics(described: dict[str, Any]) -> dict[str, float]:
    """The final values of a job's metric definitions."""
    return {one["MetricName"]: float(one["Value"]) for one in described.get("FinalMetricDataList", ())}
