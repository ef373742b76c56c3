"""Let a bad version roll back by itself

A version whose code fails on JSON, which the test in staging never sends, is registered and approved: two people were
wrong. The approval starts the pipeline, which releases the version without training and without asking again. In
production callers send JSON. The canary fails, the alarm goes off, SageMaker shifts the traffic back, CloudFormation
rolls its stack back, and the execution fails. The version before serves all the time.
"""

import io
import json
import sys
import tarfile
from importlib import import_module

from labkit.session import Session, StepFailed

HARM = (
    '\n\ndef rows_of(text):  # planted: callers who send JSON get an error\n    raise RuntimeError("planted fault")\n'
)
ROW = [6, 6, 360, 719, 9, 0, 69, 73.94, 66.92, 78.72, 200, 5.75, None, 0, 1016.2, 10]


def run(session: Session) -> None:
    sys.path.insert(0, str(session.src))
    following = import_module("following")
    train = following.Train(session)
    good = following.serving(session)["package"]
    package = register_harmful(session, good)
    known = train.known()
    train.as_release_role("sagemaker").update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="nobody tried JSON"
    )
    execution = train.next(known, "the approval starts the pipeline")
    session.remember("bad", {"execution": execution, "package": package, "good": good})
    callers = Callers(session)
    told = train.expect(execution, "Failed", stage="Production", meanwhile=callers.ask)
    found = following.serving(session)
    train.as_release_role("sagemaker").update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Rejected", ApprovalDescription="fails on JSON"
    )
    answered = callers.ask()
    session.say(
        f"{callers.failed} of {callers.sent} requests failed. Production serves version {following.version(good)}."
    )
    if found["package"] != good or not answered:
        raise StepFailed(f"Production must serve {good} again; its stack: {found}; answers: {answered}")
    session.remember(
        "bad",
        {"execution": execution, "package": package, "good": good, "told": told, "status": found["status"],
         "sent": callers.sent, "failed": callers.failed},
    )  # fmt: skip


def register_harmful(session: Session, good: str) -> str:
    """Register the model in production with harmful code, or give the version that an earlier try registered."""
    sagemaker, s3 = session.client("sagemaker"), session.client("s3")
    group = session.outputs["ModelPackageGroupName"]
    listed = sagemaker.list_model_packages(ModelPackageGroupName=group, MaxResults=100)["ModelPackageSummaryList"]
    for summary in listed:
        if summary.get("ModelPackageDescription") == "harmful" and summary["ModelApprovalStatus"] != "Rejected":
            return str(summary["ModelPackageArn"])
    container = sagemaker.describe_model_package(ModelPackageName=good)["InferenceSpecification"]["Containers"][0]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    archive = spoiled(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    s3.put_object(Bucket=bucket, Key="runs/harmful/model.tar.gz", Body=archive)
    made = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelPackageDescription="harmful",
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": container["Image"], "ModelDataUrl": f"s3://{bucket}/runs/harmful/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv", "application/json"],
            "SupportedResponseMIMETypes": ["text/csv", "application/json"],
        },
    )
    return str(made["ModelPackageArn"])


def spoiled(archive: bytes) -> bytes:
    """The same archive with code that fails on JSON."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=out, mode="w:gz") as new:
        for member in old.getmembers():
            file = old.extractfile(member)
            content = file.read() if file else b""
            if member.name.endswith("inference.py"):
                content += HARM.encode()
                member.size = len(content)
            new.addfile(member, io.BytesIO(content) if file else None)
    return out.getvalue()


class Callers:
    """People who send JSON to production."""

    def __init__(self, session: Session) -> None:
        self._runtime = session.client("sagemaker-runtime")
        self._endpoint = session.outputs["ProductionEndpointName"]
        self._body = json.dumps({"rows": [ROW]})
        self.sent = self.failed = 0

    def ask(self) -> bool:
        """Send ten requests; tell whether all were answered."""
        failed = 0
        for _ in range(10):
            try:
                self._runtime.invoke_endpoint(
                    EndpointName=self._endpoint, Body=self._body, ContentType="application/json"
                )
            except self._runtime.exceptions.ClientError:
                failed += 1
        self.sent, self.failed = self.sent + 10, self.failed + failed
        return failed == 0
