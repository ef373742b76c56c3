"""Drive load until the policy asks for capacity

Send more requests a minute than the target allows, from inside the VPC, until Application Auto Scaling asks for more
instances: at most 20 minutes and 30000 requests. A target-tracking policy asks after three minutes above its target.
The plot shows the metric that the policy follows, its target, and the instances.
"""

import csv
import json
import math
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from labkit.session import Session, StepFailed

MOST_MINUTES, MOST_REQUESTS = 20, 30_000
ABOVE = 1.6  # times the target
BATCH = 50  # requests of one call of the function


def run(session: Session) -> None:
    if not targets(session):
        session.say("This endpoint cannot scale: burstable instance types such as ml.t2.medium never do.")
        session.remember("scaling", {"possible": False})
        return
    target, began = float(session.outputs["ScalingTargetInvocations"]), session.now()
    before = count(session, "DesiredInstanceCount")
    if before >= int(session.outputs["MaxInstances"]):
        session.say(f"The endpoint has {before} instances already, the most it may. Step 05 brings it back.")
        return
    seen, sent, activity = [(began, before)], 0, None
    while not activity and len(seen) <= MOST_MINUTES and sent < MOST_REQUESTS:
        start, current = session.now(), count(session)
        calls = math.ceil(target * current * ABOVE / BATCH)
        session.say(
            f"Minute {len(seen)}: {calls * BATCH} requests to {current} instances; the target is {target:.0f} each."
        )
        send(session, calls)
        sent += calls * BATCH
        session.sleep(max(0.0, 60 - (session.now() - start).total_seconds()))
        seen.append((session.now(), count(session)))
        activity = asked(session, since=began)
    if not activity:
        raise StepFailed(f"No policy asked for capacity within {len(seen) - 1} minutes and {sent} requests.")
    session.say(f"{activity['Description']} {activity['Cause']}.")

    def grown() -> bool:
        failed = [a for a in activities(session) if a["StartTime"] >= began and a["StatusCode"] == "Failed"]
        if failed:
            raise StepFailed(f"{failed[0]['Description']} {failed[0].get('StatusMessage', 'No reason given.')}")
        return count(session) > before

    session.wait("the new instances are in service", grown, timeout=1800, every=30)
    seen.append((session.now(), count(session)))
    plot(session, seen, target)
    session.remember("scaling", {"possible": True, "before": before, "cause": activity["Cause"]})


def send(session: Session, calls: int) -> None:
    """Have the function in the VPC send `calls` batches of one flight."""
    with (session.data / "holdout.csv").open(newline="") as file:
        flight = list(csv.reader(file))[1][1:]
    event = json.dumps({"rows": [[float(cell) if cell else None for cell in flight]], "times": BATCH}).encode()
    client = session.client("lambda")

    def call(_: int) -> int:
        called = client.invoke(FunctionName=session.outputs["CallerFunctionName"], Payload=event)
        answer = json.loads(called["Payload"].read())
        if "FunctionError" in called:
            raise StepFailed(f"The caller failed: {answer.get('errorMessage', answer)}")
        return int(answer["failed"])

    with ThreadPoolExecutor(4) as pool:
        if failed := sum(pool.map(call, range(calls))):
            raise StepFailed(f"{failed} of {calls * BATCH} requests failed.")


def resource(session: Session) -> str:
    return f"endpoint/{session.outputs['EndpointName']}/variant/{session.outputs['VariantName']}"


def targets(session: Session) -> list[dict[str, object]]:
    scaling = session.client("application-autoscaling")
    found = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[resource(session)])
    return list(found["ScalableTargets"])


def count(session: Session, which: str = "CurrentInstanceCount") -> int:
    found = session.client("sagemaker").describe_endpoint(EndpointName=session.outputs["EndpointName"])
    return int(found["ProductionVariants"][0][which])


def activities(session: Session) -> list[dict[str, object]]:
    """Give what Application Auto Scaling did, newest first."""
    scaling = session.client("application-autoscaling")
    found = scaling.describe_scaling_activities(ServiceNamespace="sagemaker", ResourceId=resource(session))
    return list(found["ScalingActivities"])


def asked(session: Session, *, since: datetime) -> dict[str, object] | None:
    """Give the first activity since then that a policy, not the clock, asked for."""
    found = reversed(activities(session))
    return next((a for a in found if a["StartTime"] >= since and "triggered policy" in a["Cause"]), None)


def plot(session: Session, seen: list[tuple[datetime, int]], target: float) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    began, ended = seen[0][0], seen[-1][0]
    points = session.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="InvocationsPerInstance",
        Dimensions=[
            {"Name": "EndpointName", "Value": session.outputs["EndpointName"]},
            {"Name": "VariantName", "Value": session.outputs["VariantName"]},
        ],
        StartTime=began - timedelta(minutes=1),
        EndTime=ended,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]

    def minute(moment: datetime) -> float:
        return (moment - began).total_seconds() / 60

    figure, load = pyplot.subplots(figsize=(8, 4))
    starts = [minute(point["Timestamp"]) for point in points]
    load.bar(starts, [point["Sum"] for point in points], 0.9, align="edge", color="tab:blue", alpha=0.6)
    load.axhline(target, color="tab:red", linestyle="--")
    load.set(xlabel="minutes", ylabel="invocations per instance and\nminute (bars), target (dashes)")
    instances = load.twinx()
    instances.step([minute(moment) for moment, _ in seen], [n for _, n in seen], where="post", color="tab:green")
    instances.set(ylabel="instances (line)", ylim=(0, max(n for _, n in seen) + 1))
    figure.tight_layout()
    figure.savefig(session.folder / "load.png", dpi=120)
    pyplot.close(figure)
    session.say(f"Plot: {session.folder / 'load.png'}")
