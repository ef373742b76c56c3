"""The closed loop: train, serve, drift, see it, train again, refuse, approve, roll out, roll back.

Rehearsed by `labs rehearse --loop`. Each act deploys labs and runs their own steps; what joins two labs is here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from labkit.session import Session, StepFailed

TRAINING, RELEASE, MONITOR = "d2_train_private", "d3_retraining_cicd", "d4_model_monitor"


def train(loop: Any) -> None:
    """A model is trained in a private network, interrupted, resumed, registered and approved."""
    loop.deploy(TRAINING)
    loop.steps(TRAINING, "01", "02", "03", "04", "05", "06")


def serve(loop: Any) -> None:
    """The release pipeline brings its first model into production."""
    loop.deploy(RELEASE)
    loop.steps(RELEASE, "01", "02")


def promote(loop: Any) -> None:
    """The approved model of the private training is promoted, and the pipeline rolls it out by canary."""
    training, release = loop.session(TRAINING), loop.session(RELEASE)
    following, train = _train(release)
    package = promoted(training, release)
    known = train.known()
    train.as_release_role("sagemaker").update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="approved by those who trained it"
    )
    execution = train.next(known, "the approval starts the pipeline")
    train.expect(execution, "Succeeded")
    # From here on this is the model that newer ones are compared with.
    release.remember("first", release.recall("first") | {"package": package})
    loop.say(f"Production serves version {following.version(package)}.")


def watch(loop: Any) -> None:
    """A monitor takes its baseline and stays silent while the traffic is like the training data."""
    release = loop.session(RELEASE)
    captured = release.client("sagemaker").describe_endpoint(EndpointName=release.outputs["ProductionEndpointName"])
    bucket, _, prefix = captured["DataCaptureConfig"]["DestinationS3Uri"].removeprefix("s3://").partition("/")
    loop.deploy(
        MONITOR,
        watched_endpoint={
            "endpoint_name": captured["EndpointName"],
            "capture_bucket_name": bucket,
            "capture_prefix": prefix.strip("/"),
            "key_arn": release.outputs["KeyArn"],
        },
    )
    loop.steps(MONITOR, "01", "02", "03")


def drift(loop: Any) -> None:
    """The summer comes: the monitor sees the drift, and its alarm starts training; old data give nothing better."""
    release = loop.session(RELEASE)
    following, train = _train(release)
    known = train.known()
    loop.steps(MONITOR, "04")
    execution = train.next(known, "the alarm starts the pipeline")
    begun = next(one for one in train.executions() if one["pipelineExecutionId"] == execution)
    if "Drift" not in begun["trigger"]["triggerDetail"]:
        raise StepFailed(f"Execution {execution} was not started by the alarm: {begun['trigger']}")
    settle(train, following)


def refuse(loop: Any) -> None:
    """A worse model is refused."""
    loop.steps(RELEASE, "04")


def improve(loop: Any) -> None:
    """The flights of the summer are delivered; the better model is approved and rolled out by canary."""
    loop.steps(RELEASE, "05", "06")


def roll_back(loop: Any) -> None:
    """A bad version is approved by mistake and rolls back by itself."""
    loop.steps(RELEASE, "07")


ACTS: tuple[Callable[[Any], None], ...] = (train, serve, promote, watch, drift, refuse, improve, roll_back)


def promoted(training: Session, release: Session) -> str:
    """Register the approved model of one lab with the release group of another; returns the new package's ARN."""
    source, target = training.client("sagemaker"), release.client("sagemaker")
    package = source.describe_model_package(ModelPackageName=training.recall("registered")["package"])
    if package["ModelApprovalStatus"] != "Approved":
        raise StepFailed(
            f"{package['ModelPackageArn']} is {package['ModelApprovalStatus']}; only an approved model is promoted."
        )
    container = package["InferenceSpecification"]["Containers"][0]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    place = f"runs/promoted/{package['ModelPackageVersion']}/model.tar.gz"
    body = training.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    release.client("s3").put_object(Bucket=release.outputs["ModelsBucketName"], Key=place, Body=body)
    made = target.create_model_package(
        ModelPackageGroupName=release.outputs["ModelPackageGroupName"],
        ModelPackageDescription=f"Promoted from {package['ModelPackageArn']}",
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [
                {
                    "Image": container["Image"],
                    "ModelDataUrl": f"s3://{release.outputs['ModelsBucketName']}/{place}",
                }
            ],
            "SupportedContentTypes": ["text/csv", "application/json"],
            "SupportedResponseMIMETypes": ["text/csv", "application/json"],
        },
    )
    return str(made["ModelPackageArn"])


def settle(train: Any, following: Any) -> None:
    """Let every execution come to its end; what waits for approval is rejected: nothing is better yet."""
    for one in reversed(train.executions()):
        if one["status"] in following.GOING and train.follow(one["pipelineExecutionId"]) == following.WAITS:
            train.decide(one["pipelineExecutionId"], "Rejected", "trained on the winter alone")
            train.follow(one["pipelineExecutionId"])


def _train(release: Session) -> tuple[Any, Any]:
    sys.path.insert(0, str(release.src))
    following = import_module("following")
    return following, following.Train(release)
