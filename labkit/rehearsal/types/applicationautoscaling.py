"""Application Auto Scaling: scalable targets with their scheduled actions, and scaling policies."""

from __future__ import annotations

from typing import Any

from labkit.rehearsal.types.row import Made, Row, Scene

KEY = ("ResourceId", "ScalableDimension", "ServiceNamespace")


def _target(scene: Scene) -> Made:
    key = scene.take(*KEY)
    given = scene.take("MinCapacity", "MaxCapacity", "RoleARN", "SuspendedState")
    if scene.old and "SuspendedState" in scene.old and "SuspendedState" not in given:
        given["SuspendedState"] = {
            f"{kind}Suspended": False for kind in ("DynamicScalingIn", "DynamicScalingOut", "ScheduledScaling")
        }
    scene.call("application-autoscaling", "RegisterScalableTarget", {**key, **given, **scene.take("Tags")})
    scene.physical_id = "|".join(key[name] for name in KEY)
    read = scene.call(
        "application-autoscaling",
        "DescribeScalableTargets",
        {
            "ServiceNamespace": key["ServiceNamespace"],
            "ResourceIds": [key["ResourceId"]],
            "ScalableDimension": key["ScalableDimension"],
        },
    )["ScalableTargets"][0]
    scene.kept({**key, **given}, read)
    _schedule(scene, key)
    return Made(scene.physical_id, {"Id": scene.physical_id})


def _schedule(scene: Scene, key: dict[str, Any]) -> None:
    wanted = scene.take("ScheduledActions").get("ScheduledActions", [])
    names = {action["ScheduledActionName"] for action in wanted}
    for action in scene.old.get("ScheduledActions", []):
        if action["ScheduledActionName"] not in names:
            scene.call(
                "application-autoscaling",
                "DeleteScheduledAction",
                {**key, "ScheduledActionName": action["ScheduledActionName"]},
            )
    for action in wanted:
        scene.call("application-autoscaling", "PutScheduledAction", {**key, **action}, under="")
        read = scene.call(
            "application-autoscaling",
            "DescribeScheduledActions",
            {
                "ServiceNamespace": key["ServiceNamespace"],
                "ScheduledActionNames": [action["ScheduledActionName"]],
                "ResourceId": key["ResourceId"],
            },
        )["ScheduledActions"][0]
        scene.kept({name: item for name, item in action.items() if name not in ("StartTime", "EndTime")}, read)


def _key(scene: Scene) -> dict[str, Any]:
    if "|" in scene.physical_id and not scene.physical_id.startswith("arn:"):
        return dict(zip(KEY, scene.physical_id.split("|"), strict=True))
    given = scene.properties
    if "ScalingTargetId" in given:
        return dict(zip(KEY, given["ScalingTargetId"].split("|"), strict=True))
    return {name: given[name] for name in KEY}


def _delete_target(scene: Scene) -> None:
    for action in scene.properties.get("ScheduledActions", []):
        scene.call(
            "application-autoscaling",
            "DeleteScheduledAction",
            {**_key(scene), "ScheduledActionName": action["ScheduledActionName"]},
        )
    scene.call("application-autoscaling", "DeregisterScalableTarget", _key(scene))


def _policy(scene: Scene) -> Made:
    key = _key(scene)
    scene.take(*KEY, "ScalingTargetId")
    given = scene.rest()
    answer = scene.call("application-autoscaling", "PutScalingPolicy", {**key, **given})
    scene.physical_id = answer["PolicyARN"]
    found = scene.call(
        "application-autoscaling", "DescribeScalingPolicies", {"ServiceNamespace": key["ServiceNamespace"]}
    )["ScalingPolicies"]
    scene.kept(given, next(policy for policy in found if policy["PolicyARN"] == answer["PolicyARN"]))
    return Made(answer["PolicyARN"], {"Arn": answer["PolicyARN"]})


def _delete_policy(scene: Scene) -> None:
    scene.call(
        "application-autoscaling", "DeleteScalingPolicy", {**_key(scene), "PolicyName": scene.properties["PolicyName"]}
    )


ROWS = [
    Row(
        type="AWS::ApplicationAutoScaling::ScalableTarget",
        label="recorded",
        create=_target,
        update=_target,
        delete=_delete_target,
    ),
    Row(
        type="AWS::ApplicationAutoScaling::ScalingPolicy",
        label="recorded",
        create=_policy,
        update=_policy,
        delete=_delete_policy,
    ),
]
