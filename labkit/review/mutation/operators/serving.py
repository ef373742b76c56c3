"""Makes endpoints less watched, less available, or impossible to make."""

from __future__ import annotations

from typing import Any

from labkit.review.mutation.kit.operator import Operator, drops, sets

_CONFIG = "AWS::SageMaker::EndpointConfig Properties"
_VARIANT = f"{_CONFIG}.ProductionVariants.*"
_DEPLOYMENT = "AWS::SageMaker::Endpoint Properties.DeploymentConfig"
_ROLLBACK = f"{_DEPLOYMENT}.AutoRollbackConfiguration"


def _with_local_disk(config: Any) -> Any:
    variants = [{**one, "InstanceType": "ml.g5.xlarge"} for one in config["ProductionVariants"]]
    return {**config, "ProductionVariants": variants}


OPERATORS: tuple[Operator, ...] = (
    drops("drop-capture", "An endpoint whose requests are not kept", "security", f"{_CONFIG}.DataCaptureConfig"),
    sets(
        "capture-off",
        "An endpoint whose capture is off",
        "security",
        f"{_CONFIG}.DataCaptureConfig.EnableCapture",
        to=False,
    ),
    drops(
        "capture-partial",
        "An endpoint that keeps one half of the traffic",
        "security",
        f"{_CONFIG}.DataCaptureConfig.CaptureOptions.*",
    ),
    sets(
        "capture-none",
        "An endpoint that keeps no request",
        "security",
        f"{_CONFIG}.DataCaptureConfig.InitialSamplingPercentage",
        to=0,
    ),
    sets(
        "single-instance", "An endpoint that one instance serves", "security", f"{_VARIANT}.InitialInstanceCount", to=1
    ),
    sets("no-instance", "An endpoint that no instance serves", "deployment", f"{_VARIANT}.InitialInstanceCount", to=0),
    sets(
        "key-on-local-disk",
        "An instance type with disks of its own that takes no storage key",
        "deployment",
        _CONFIG,
        where=lambda config: "KmsKeyId" in config and "ProductionVariants" in config,
        to=_with_local_disk,
    ),
    sets(
        "instance-type-unknown",
        "An instance type that does not exist",
        "deployment",
        f"{_VARIANT}.InstanceType",
        to="ml.m5.huge",
    ),
    sets(
        "image-elsewhere",
        "An image in another region",
        "deployment",
        "AWS::SageMaker::Model Properties.**.Image",
        to=lambda image: image.replace("us-east-1", "eu-west-1"),
        where=lambda image: isinstance(image, str),
    ),
    sets(
        "image-of-stranger",
        "An image of an account that is not AWS's",
        "deployment",
        "AWS::SageMaker::Model Properties.**.Image",
        to=lambda image: f"999988887777{image[12:]}",
        where=lambda image: isinstance(image, str),
    ),
    sets(
        "image-unknown",
        "An image that does not exist",
        "deployment",
        "AWS::SageMaker::Model Properties.**.Image",
        to=lambda image: image.replace("sagemaker-", "sagemaker-x"),
        where=lambda image: isinstance(image, str),
    ),
    drops("drop-rollback-alarm", "A roll-out that no alarm stops", "deployment", _ROLLBACK),
    drops("rollback-without-alarm", "A roll-out with an empty list of alarms", "deployment", f"{_ROLLBACK}.Alarms.*"),
    drops("drop-roll-out", "An endpoint that is updated in one step", "deployment", _DEPLOYMENT),
    sets(
        "canary-too-large",
        "A canary larger than SageMaker allows",
        "deployment",
        f"{_DEPLOYMENT}.**.CanarySize.Value",
        to=90,
    ),
    sets(
        "model-artefact-missing",
        "A model whose artefact nobody uploaded",
        "deployment",
        "AWS::SageMaker::Model Properties.**.ModelDataUrl",
        to={"Fn::Sub": "s3://cdk-hnb659fds-assets-${AWS::AccountId}-us-east-1/none.tar.gz"},
    ),
)
