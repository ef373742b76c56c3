"""Drive load until the policy asks for capacity

Send more requests a minute than the target allows, from inside the VPC, until Application Auto Scaling asks for more
instances: at most 20 minutes and 30000 requests. A target-tracking policy asks after three minutes above its target.
The plot shows invocations per instance, the target, and the instances.
"""

import csv
import json
import math
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from labkit.session import Session, StepFailed

MOST_MINUTES, MOST_REQUESTS = 20, 30_000
ABOVE = 1.6  # times the target
BATCH = 50  # requests of one call of the function


def run(session: Session) -> None:
    if not targets(session):
        session.say(
            "This endpoint cannot scale: burstable instance types such as ml.t2.medium never do. Nothing to drive."
        )
        session.remember("scaling", {"possible": False})
        return
    target = float(session.outputs["ScalingTargetInvocations"])
    began, before, sent, minutes = session.now(), instances(session)["DesiredInstanceCount"], 0, []
    activity = None
    while not activity and len(minutes) < MOST_MINUTES and sent < MOST_REQUESTS:
        start, count = session.now(), instances(session)["CurrentInstanceCount"]
        wanted = math.ceil(target * count * ABOVE / BATCH)
        failed = send(session, wanted)
        sent += wanted * BATCH
        if failed:
            raise StepFailed(f"{failed} of {wanted * BATCH} requests failed in minute {len(minutes) + 1}.")
        minutes.append({"at": start.isoformat(), "per_instance": wanted * BATCH / count, "instances": count})
        session.say(f"minute {len(minutes)}: {wanted * BATCH} requests to {count} instances, target {target:.0f} each")
        session.sleep(max(0.0, 60 - (session.now() - start).total_seconds()))
        activity = asked(session, since=began)
    if not activity:
        raise StepFailed(f"No scaling activity within {len(minutes)} minutes and {sent} requests.")
    session.say(f"{activity['Description']} {activity['Cause']}")
    session.wait(
        "the new instances are in service",
        lambda: instances(session)["CurrentInstanceCount"] > before,
        timeout=1800,
        every=30,
    )
    minutes.append(
        {"at": session.now().isoformat(), "per_instance": 0, "instances": instances(session)["CurrentInstanceCount"]}
    )
    plot(session.folder / "load.png", minutes, target)
    session.say(f"Plot: {session.folder / 'load.png'}")
    session.remember(
        "scaling", {"possible": True, "before": before, "cause": activity["Cause"], "asked": activity["Description"]}
    )


def send(session: Session, calls: int) -> int:
    """Send `calls` batches and count the requests that failed."""
    with (session.data / "holdout.csv").open(newline="") as file:
        rows = [[float(cell) if cell else None for cell in row[1:]] for row in list(csv.reader(file))[1:2]]
    event = json.dumps({"rows": rows, "times": BATCH}).encode()

    def call(_: int) -> int:
        answer = session.client("lambda").invoke(FunctionName=session.outputs["CallerFunctionName"], Payload=event)
        told = json.loads(answer["Payload"].read())
        return BATCH if "FunctionError" in answer else int(told["failed"])

    session.client("lambda")  # clients are thread-safe, making one is not
    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(call, range(calls)))


def resource(session: Session) -> str:
    return f"endpoint/{session.outputs['EndpointName']}/variant/{session.outputs['VariantName']}"


def targets(session: Session) -> list[dict[str, object]]:
    scaling = session.client("application-autoscaling")
    return scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[resource(session)])[
        "ScalableTargets"
    ]


def instances(session: Session) -> dict[str, int]:
    found = session.client("sagemaker").describe_endpoint(EndpointName=session.outputs["EndpointName"])
    return found["ProductionVariants"][0]


def asked(session: Session, *, since: datetime) -> dict[str, object] | None:
    """Give the first activity since then that a policy, not the clock, asked for."""
    found = session.client("application-autoscaling").describe_scaling_activities(
        ServiceNamespace="sagemaker", ResourceId=resource(session)
    )["ScalingActivities"]
    return next((a for a in reversed(found) if a["StartTime"] >= since and "policy" in a["Cause"]), None)


def plot(path: Path, minutes: list[dict[str, object]], target: float) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, load = pyplot.subplots(figsize=(8, 4))
    axis = range(1, len(minutes) + 1)
    load.bar(axis, [m["per_instance"] for m in minutes], color="tab:blue", label="invocations per instance and minute")
    load.axhline(target, color="tab:red", linestyle="--", label="target")
    load.set(xlabel="minute", ylabel="invocations per instance")
    count = load.twinx()
    count.step(axis, [m["instances"] for m in minutes], where="mid", color="tab:green", label="instances")
    count.set(ylabel="instances", ylim=(0, max(m["instances"] for m in minutes) + 1))
    handles = [part for axes in (load, count) for part in axes.get_legend_handles_labels()[0]]
    load.legend(handles=handles, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
