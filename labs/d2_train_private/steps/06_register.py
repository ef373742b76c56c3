"""Evaluate, register and approve

Of the four models the one with the best validation AUC is chosen; its quality on the holdout days is what is promised. It
goes to the model registry with that quality, with what it was made of, and with lineage: data and code led to the job, the
job to the model. It waits for approval, and is approved only if it beats the guess that every flight is late as often
as on the training days.
"""

import json
import runpy
from pathlib import Path
from typing import Any

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("training.py")))
# What the image needs to serve the model in script mode without a network.
SERVING = {
    "SAGEMAKER_PROGRAM": "inference.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    "PIP_NO_BUILD_ISOLATION": "false",
    "PIP_NO_INDEX": "true",
}


def run(session: Session) -> None:
    jobs = [_SHARED["describe"](session, job) for job in session.recall("compared").values()]
    results = {job["TrainingJobName"]: _SHARED["output"](session, job) for job in jobs}

    def validated(job: dict[str, Any]) -> float:
        history = results[job["TrainingJobName"]]["history"]
        return float(history["rounds"][history["best_round"]]["validation-auc"])

    best = max(jobs, key=validated)
    evaluation = results[best["TrainingJobName"]]["evaluation"]
    session.say(f"Chosen by its validation AUC of {validated(best):.4f}: {best['TrainingJobName']}")
    package = register(session, best, evaluation)
    session.table("Quality on the holdout days", [{name: f"{value:.4g}" for name, value in evaluation.items()}])
    link(session, best, package)
    if evaluation["logloss"] >= evaluation["baseline_logloss"]:
        raise StepFailed(f"{best['TrainingJobName']} is no better than guessing: it is not approved.")
    sagemaker = session.client("sagemaker")
    sagemaker.update_model_package(
        ModelPackageArn=package,
        ModelApprovalStatus="Approved",
        ApprovalDescription=f"log loss {evaluation['logloss']:.4f} against {evaluation['baseline_logloss']:.4f} of a guess",
    )
    session.say(f"Approved: {package}")
    session.remember("registered", {"package": package, "job": best["TrainingJobName"]})


def register(session: Session, job: dict[str, Any], evaluation: dict[str, float]) -> str:
    """A new version in the lab's group, with its quality; returns its ARN."""
    sagemaker, outputs = session.client("sagemaker"), session.outputs
    model = job["ModelArtifacts"]["S3ModelArtifacts"]
    place = model.replace("output/model.tar.gz", "quality.json")
    bucket, _, key = place.removeprefix("s3://").partition("/")
    quality = {
        "binary_classification_metrics": {
            name: {"value": evaluation[name], "standard_deviation": "NaN"} for name in ("auc", "logloss")
        }
    }
    session.client("s3").put_object(
        Bucket=bucket, Key=key, Body=json.dumps(quality).encode(), ContentType="application/json"
    )
    package = sagemaker.create_model_package(
        ModelPackageGroupName=outputs["ModelPackageGroupName"],
        ModelPackageDescription=f"Trained by {job['TrainingJobName']}",
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": outputs["ImageUri"], "ModelDataUrl": model, "Environment": SERVING}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv", "application/json"],
        },
        ModelMetrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": place}}},
        MetadataProperties={"GeneratedBy": job["TrainingJobArn"]},
        CustomerMetadataProperties={
            "holdout_auc": f"{evaluation['auc']:.6f}",
            "train_sha256": session.recall("data")["train"],
            "code": outputs["CodeUri"],
        },
    )["ModelPackageArn"]
    session.created("AWS::SageMaker::ModelPackage", package)
    return str(package)


def link(session: Session, job: dict[str, Any], package: str) -> None:
    """Enter what came of what: data and code, the job, the model, the registered version."""
    sagemaker = session.client("sagemaker")
    bucket, prefix = session.outputs["DataBucketName"], session.outputs["DataPrefix"]

    def artifact(name: str, kind: str, uri: str) -> str:
        known = sagemaker.list_artifacts(SourceUri=uri)["ArtifactSummaries"]
        if known:
            return str(known[0]["ArtifactArn"])
        made = sagemaker.create_artifact(ArtifactName=name, ArtifactType=kind, Source={"SourceUri": uri})
        session.created("AWS::SageMaker::Artifact", made["ArtifactArn"])
        return str(made["ArtifactArn"])

    model = job["ModelArtifacts"]["S3ModelArtifacts"]
    data = artifact("winter-flights", "DataSet", f"s3://{bucket}/{prefix}input/train/")
    code = artifact("training-code", "Code", session.outputs["CodeUri"])
    made = artifact(f"model-of-{job['TrainingJobName']}", "Model", model)
    version = artifact(f"version-{package.rsplit('/', 1)[-1]}", "ModelPackage", package)
    action = f"{job['TrainingJobName']}-training"
    try:
        training = sagemaker.describe_action(ActionName=action)["ActionArn"]
    except sagemaker.exceptions.ResourceNotFound:
        session.created("AWS::SageMaker::Action", action)
        training = sagemaker.create_action(
            ActionName=action,
            ActionType="Training",
            Source={"SourceUri": job["TrainingJobArn"], "SourceType": "ARN"},
            Status="Completed",
            Properties={name: str(value) for name, value in _SHARED["metrics"](job).items()},
        )["ActionArn"]
    for source, destination, kind in (
        (data, training, "ContributedTo"),
        (code, training, "ContributedTo"),
        (training, made, "Produced"),
        (made, version, "ContributedTo"),
    ):
        known = sagemaker.list_associations(SourceArn=source, DestinationArn=destination)["AssociationSummaries"]
        if not known:
            session.created("AWS::SageMaker::LineageAssociation", f"{source}|{destination}")
            sagemaker.add_association(SourceArn=source, DestinationArn=destination, AssociationType=kind)
    session.remember("lineage", {"data": data, "code": code, "training": training, "model": made, "version": version})
    found = sagemaker.query_lineage(StartArns=[version], Direction="Ascendants", IncludeEdges=True)
    session.table(
        "What the version came of",
        [{"kind": vertex["LineageType"], "type": vertex["Type"], "arn": vertex["Arn"]} for vertex in found["Vertices"]],
    )
