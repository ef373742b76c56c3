"""Let the clock scale

The stack lowers the range of instances in the evening and raises it in the morning. You need not wait until then: a
one-off scheduled action three minutes ahead sets the range to one instance, you watch it happen, and the step puts the
range back.
"""

from datetime import UTC, datetime, timedelta

from labkit.session import Session

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
NAME = "lab-one-off"


def run(session: Session) -> None:
    scaling = session.client("application-autoscaling")
    resource = f"endpoint/{session.outputs['EndpointName']}/variant/{session.outputs['VariantName']}"
    where = {"ServiceNamespace": "sagemaker", "ResourceId": resource, "ScalableDimension": DIMENSION}
    day = {"MinCapacity": int(session.outputs["MinInstances"]), "MaxCapacity": int(session.outputs["MaxInstances"])}

    def bounds() -> dict[str, int] | None:
        found = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[resource])[
            "ScalableTargets"
        ]
        return {name: found[0][name] for name in day} if found else None

    def instances() -> int:
        """Give the instance count once the endpoint has settled, 0 before."""
        found = session.client("sagemaker").describe_endpoint(EndpointName=session.outputs["EndpointName"])
        variant = found["ProductionVariants"][0]
        settled = (
            found["EndpointStatus"] == "InService"
            and variant["CurrentInstanceCount"] == variant["DesiredInstanceCount"]
        )
        return int(variant["CurrentInstanceCount"]) if settled else 0

    if not bounds():
        session.say("This endpoint cannot scale, so the stack has no scheduled actions.")
        session.remember("scheduled", {"possible": False})
        return
    actions = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker", ResourceId=resource)["ScheduledActions"]
    session.table(
        "Scheduled actions",
        [
            {
                "name": action["ScheduledActionName"],
                "schedule": f"{action['Schedule']} {action.get('Timezone', 'UTC')}",
                "least": action["ScalableTargetAction"]["MinCapacity"],
                "most": action["ScalableTargetAction"]["MaxCapacity"],
                "next": f"{following(action['Schedule'], session.now()):%Y-%m-%d %H:%M} UTC",
            }
            for action in actions
            if action["Schedule"].startswith("cron")
        ],
    )
    before = session.wait("the endpoint settles", instances, timeout=1800, every=30)
    when = (session.now() + timedelta(minutes=3)).astimezone(UTC)
    session.created("AWS::ApplicationAutoScaling::ScheduledAction", "|".join(("sagemaker", NAME, DIMENSION, resource)))
    try:
        scaling.put_scheduled_action(
            **where,
            ScheduledActionName=NAME,
            Schedule=f"at({when:%Y-%m-%dT%H:%M:%S})",
            ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 1},
        )
        session.say(f"At {when:%H:%M:%S} UTC the range becomes 1 to 1; now it is {bounds()} with {before} instances.")
        session.wait(
            "the one-off action changes the range",
            lambda: bounds() == {"MinCapacity": 1, "MaxCapacity": 1},
            timeout=900,
        )
        after = session.wait("one instance is left", lambda: instances() == 1, timeout=1800, every=30) and 1
    finally:
        remove(session, where)
        scaling.register_scalable_target(**where, **day)
    session.wait("the range of the day is back", lambda: instances() >= day["MinCapacity"], timeout=1800, every=30)
    session.say(f"{before} instances became {after}, and {instances()} again.")
    session.remember("scheduled", {"possible": True, "before": before, "after": after})


def remove(session: Session, where: dict[str, str]) -> None:
    """Remove the one-off action; Application Auto Scaling may have dropped it already when it was done."""
    scaling = session.client("application-autoscaling")
    try:
        scaling.delete_scheduled_action(**where, ScheduledActionName=NAME)
    except scaling.exceptions.ObjectNotFoundException:
        session.say("The one-off action was gone already.")
    session.removed(
        "AWS::ApplicationAutoScaling::ScheduledAction", "|".join(("sagemaker", NAME, DIMENSION, where["ResourceId"]))
    )


def following(schedule: str, now: datetime) -> datetime:
    """Give the next time of a daily schedule such as cron(0 20 * * ? *)."""
    minute, hour = schedule.removeprefix("cron(").split()[:2]
    today = now.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)
