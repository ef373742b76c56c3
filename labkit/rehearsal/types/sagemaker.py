"""SageMaker: models, endpoint configurations, endpoints and model package groups."""

from __future__ import annotations

from typing import Any

from labkit.rehearsal.stacks.faults import ResourceFailed
from labkit.rehearsal.types.row import Made, Properties, Row, Scene
from labkit.rehearsal.types.sagemaker_pipeline import PIPELINE
from labkit.rehearsal.types.table import deleting, simple


def _last(scene: Scene) -> str:
    return scene.physical_id.rsplit("/", 1)[-1]


def _named(member: str) -> Any:
    return lambda scene: {member: _last(scene)}


def _endpoint(scene: Scene) -> dict[str, Any]:
    found: dict[str, Any] = scene.call("sagemaker", "DescribeEndpoint", {"EndpointName": _last(scene)})
    return found


def _stable(scene: Scene, wanted: str) -> None:
    """Wait, as CloudFormation does, until an endpoint serves the wanted configuration; emulated time may go on."""

    def settled() -> bool:
        return _endpoint(scene)["EndpointStatus"] not in ("Creating", "Updating", "SystemUpdating", "RollingBack")

    scene.context.clock.wait_until(settled)
    described = _endpoint(scene)
    if described["EndpointStatus"] != "InService" or described["EndpointConfigName"] != wanted:
        raise ResourceFailed(
            f"Resource of type 'AWS::SageMaker::Endpoint' with identifier '{_last(scene)}' did not stabilize: "
            f"{described.get('FailureReason', described['EndpointStatus'])}"
        )


def _create_endpoint(scene: Scene) -> Made:
    name = scene.name("EndpointName", longest=63)
    given = scene.take("EndpointConfigName", "DeploymentConfig", "Tags")
    # These three say how an update treats what it finds; they mean nothing at creation. A DeploymentConfig is only kept.
    scene.take("RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "RetainDeploymentConfig")
    config = given["EndpointConfigName"] = str(given["EndpointConfigName"]).rsplit("/", 1)[-1]
    arn = scene.call("sagemaker", "CreateEndpoint", {"EndpointName": name, **given})["EndpointArn"]
    scene.physical_id = arn
    _stable(scene, config)
    return Made(arn, {"EndpointName": name, "EndpointArn": arn})


def _update_endpoint(scene: Scene) -> Made:
    scene.take("EndpointName")
    given = scene.take(
        "EndpointConfigName",
        "DeploymentConfig",
        "RetainAllVariantProperties",
        "ExcludeRetainedVariantProperties",
        "RetainDeploymentConfig",
    )
    config = given["EndpointConfigName"] = str(given["EndpointConfigName"]).rsplit("/", 1)[-1]
    scene.retag("sagemaker", {"ResourceArn": scene.physical_id}, untag="DeleteTags", tag="AddTags")
    if scene.changed("EndpointConfigName", "DeploymentConfig"):
        scene.call("sagemaker", "UpdateEndpoint", {"EndpointName": _last(scene), **given})
        _stable(scene, config)
    return Made(scene.physical_id, scene.attributes)


def _delete_endpoint(scene: Scene) -> None:
    scene.call("sagemaker", "DeleteEndpoint", {"EndpointName": _last(scene)})


def _configuration(scene: Scene, given: Properties) -> Properties:
    for kind in ("ProductionVariants", "ShadowProductionVariants"):
        if kind in given:
            # A reference to a model gives its ARN; the API wants the name.
            given[kind] = [
                {**one, **({"ModelName": one["ModelName"].rsplit("/", 1)[-1]} if "ModelName" in one else {})}
                for one in given[kind]
            ]
    return given


def _create_group(scene: Scene) -> Made:
    given = scene.take("ModelPackageGroupName", "ModelPackageGroupDescription", "Tags")
    arn = scene.call("sagemaker", "CreateModelPackageGroup", given)["ModelPackageGroupArn"]
    scene.physical_id = arn
    return _group_policy(scene, Made(arn, {"ModelPackageGroupArn": arn, "ModelPackageGroupStatus": "Completed"}))


def _group_policy(scene: Scene, made: Made) -> Made:
    policy = scene.take("ModelPackageGroupPolicy").get("ModelPackageGroupPolicy")
    name = scene.properties["ModelPackageGroupName"]
    if policy is not None and scene.changed("ModelPackageGroupPolicy"):
        scene.call("sagemaker", "PutModelPackageGroupPolicy", {"ModelPackageGroupName": name, "ResourcePolicy": policy})
    return made


def _update_group(scene: Scene) -> Made:
    scene.take("ModelPackageGroupName", "ModelPackageGroupDescription")
    scene.retag("sagemaker", {"ResourceArn": scene.physical_id}, untag="DeleteTags", tag="AddTags")
    return _group_policy(scene, Made(scene.physical_id, scene.attributes))


ROWS = [
    simple(
        "AWS::SageMaker::Model",
        "sagemaker",
        create="CreateModel",
        name="ModelName",
        longest=63,
        ref=lambda scene, answer: answer["ModelArn"],
        attributes=lambda scene, answer: {"ModelName": _last(scene), "ModelArn": answer["ModelArn"]},
        read=("DescribeModel", _named("ModelName")),
        delete=("DeleteModel", _named("ModelName")),
    ),
    simple(
        "AWS::SageMaker::EndpointConfig",
        "sagemaker",
        create="CreateEndpointConfig",
        name="EndpointConfigName",
        longest=63,
        send=_configuration,
        ref=lambda scene, answer: answer["EndpointConfigArn"],
        attributes=lambda scene, answer: {
            "EndpointConfigName": _last(scene),
            "EndpointConfigArn": answer["EndpointConfigArn"],
        },
        read=("DescribeEndpointConfig", _named("EndpointConfigName")),
        delete=("DeleteEndpointConfig", _named("EndpointConfigName")),
    ),
    Row(
        type="AWS::SageMaker::Endpoint",
        label="recorded",
        create=_create_endpoint,
        update=_update_endpoint,
        delete=_delete_endpoint,
    ),
    Row(
        type="AWS::SageMaker::ModelPackageGroup",
        label="recorded",
        create=_create_group,
        update=_update_group,
        delete=deleting("sagemaker", "DeleteModelPackageGroup", _named("ModelPackageGroupName")),
    ),
    PIPELINE,
]
