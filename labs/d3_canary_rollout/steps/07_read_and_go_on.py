"""Read what happened, and go on

The stack's events say why the updates failed, the alarms' history when. CloudWatch counted both fleets of the canary under
one variant name, and each under its configuration. A stack that was rolled back can be updated again: version 2 is shipped
once more, and stays.
"""

import runpy
from datetime import datetime, timedelta
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("shipping.py")))


def run(session: Session) -> None:
    failed = [
        {"time": f"{event['Timestamp']:%H:%M:%S}", "reason": event.get("ResourceStatusReason", "")}
        for page in session.client("cloudformation")
        .get_paginator("describe_stack_events")
        .paginate(StackName=session.stack)
        for event in page["StackEvents"]
        if event["ResourceStatus"] == "UPDATE_FAILED" and event["ResourceType"] == "AWS::SageMaker::Endpoint"
    ]
    if not failed:
        raise StepFailed(f"Stack {session.stack} has no failed update: run steps 05 and 06 first.")
    session.table("Why the stack was rolled back", failed)
    canary = session.recall("canary")
    fleets = {name: requests(session, canary, EndpointConfigName=config) for name, config in
              canary["configuration"].items()}  # fmt: skip
    told = {"together": requests(session, canary), **fleets}
    session.table("Requests during the canary of version 2, as CloudWatch counted them", [told])
    session.remember("measured", told)
    record = _SHARED["ship"](session, "v2", start="v1")
    _SHARED["show"](session, "Version 2 again", record, picture="again")
    session.remember("again", record)
    if record["stack"] != "UPDATE_COMPLETE":
        raise StepFailed(f"Version 2 was not shipped: the stack is {record['stack']}; alarms: {record['alarms']}")


def requests(session: Session, record: dict[str, str], **fleet: str) -> int:
    """Count the requests of a deployment, of one fleet or of both."""
    began, ended = (datetime.fromisoformat(record[name]) for name in ("began", "ended"))
    dimensions = {
        "EndpointName": session.outputs["EndpointName"],
        "VariantName": session.outputs["VariantName"],
        **fleet,
    }
    points = session.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=began.replace(second=0, microsecond=0),
        EndTime=ended.replace(second=0, microsecond=0) + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return int(sum(point["Sum"] for point in points))
