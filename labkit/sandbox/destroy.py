"""Removes a lab, also a half-made one, and finds what stayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from labkit.assembly import Assembly
from labkit.catalogue import Lab
from labkit.errors import UserError
from labkit.sandbox.account import Account, told
from labkit.sandbox.deploy import follow, status
from labkit.sandbox.run import state_folder
from labkit.session import Session

Report = Callable[[str], None]

_ATTEMPTS = 3

# How to remove what a step made outside the stack: service, operation, parameter.
_REMOVE = {
    "AWS::SageMaker::Endpoint": ("sagemaker", "delete_endpoint", "EndpointName"),
    "AWS::SageMaker::EndpointConfig": ("sagemaker", "delete_endpoint_config", "EndpointConfigName"),
    "AWS::SageMaker::Model": ("sagemaker", "delete_model", "ModelName"),
    "AWS::Glue::Table": ("glue", "delete_table", "DatabaseName/Name"),
    "AWS::SageMaker::TrainingJob": ("sagemaker", "delete_training_job", "TrainingJobName"),
    "AWS::SageMaker::ModelPackage": ("sagemaker", "delete_model_package", "ModelPackageName"),
    "AWS::SageMaker::Artifact": ("sagemaker", "delete_artifact", "ArtifactArn"),
    "AWS::SageMaker::Action": ("sagemaker", "delete_action", "ActionName"),
    "AWS::SageMaker::LineageAssociation": ("sagemaker", "delete_association", "SourceArn/DestinationArn"),
    "AWS::Logs::LogStream": ("logs", "delete_log_stream", "logGroupName/logStreamName"),
    "AWS::Logs::LogGroup": ("logs", "delete_log_group", "logGroupName"),
    "AWS::ApplicationAutoScaling::ScheduledAction": (
        "application-autoscaling", "delete_scheduled_action",
        "ServiceNamespace/ScheduledActionName/ScalableDimension/ResourceId",
    ),
}  # fmt: skip
_GONE = ("ResourceNotFound", "ResourceNotFoundException", "EntityNotFoundException", "ObjectNotFoundException",
         "ValidationException", "NoSuchBucket", "NoSuchKey")  # fmt: skip


@dataclass(frozen=True)
class Leftover:
    """Something that outlived the stack."""

    kind: str
    identifier: str
    why: str
    costs: bool


def destroy(lab: Lab, assembly: Assembly, *, report: Report = lambda text: None, every: float = 5) -> None:
    """Remove what the steps made, then the stack; a stack that cannot be deleted at once is helped and retried.

    Raises:
        UserError: something could not be removed; names it and CloudFormation's reason. Running again is safe.
    """
    account = Account(assembly)
    session = Session(
        lab=lab.folder, stack=assembly.stack, region=assembly.region, outputs={}, folder=state_folder(lab)
    )
    _remove_made_by_steps(session, account, report)
    stacks = account.client("cloudformation")
    for attempt in range(1, _ATTEMPTS + 1):
        state = status(stacks, assembly.stack)
        if state is None:
            report(f"{assembly.stack} is gone")
            break
        if state.endswith("_IN_PROGRESS") and not state.startswith("DELETE"):
            raise UserError(f"Stack {assembly.stack} is {state}. Wait until it is done, then destroy it.")
        if state == "DELETE_FAILED":
            _clear_the_way(stacks, assembly.stack, account, report)
        began = datetime.now(UTC)
        with told():
            stacks.delete_stack(StackName=assembly.stack)
        try:
            follow(stacks, assembly.stack, good=("DELETE_COMPLETE",), since=began, report=report, every=every)
        except UserError:
            if attempt == _ATTEMPTS:
                raise
            report("deletion failed; clearing the way and trying again")
    _forget(session)


def leftovers(lab: Lab, assembly: Assembly) -> list[Leftover]:
    """What of the lab still exists: the stack, what steps made, and every resource that carries the lab's tag."""
    account = Account(assembly)
    found = []
    state = status(account.client("cloudformation"), assembly.stack)
    if state is not None:
        found.append(Leftover("AWS::CloudFormation::Stack", assembly.stack, f"is {state}", True))
    session = Session(
        lab=lab.folder, stack=assembly.stack, region=assembly.region, outputs={}, folder=state_folder(lab)
    )
    found += [Leftover(kind, name, "made by a step", True) for kind, name in session.left_by_steps]
    with told():
        pages = account.client("resourcegroupstaggingapi").get_paginator("get_resources")
        tagged = [
            entry["ResourceARN"]
            for page in pages.paginate(TagFilters=[{"Key": "lab", "Values": [lab.slug]}])
            for entry in page["ResourceTagMappingList"]
        ]
    for arn in tagged:
        if f":stack/{assembly.stack}/" in arn:
            continue
        if ":kms:" in arn and _pending_deletion(account, arn):
            found.append(Leftover("AWS::KMS::Key", arn, "AWS keeps a deleted key for 7 days, free of charge", False))
        else:
            found.append(Leftover(arn.split(":")[2], arn, "carries the lab's tag", True))
    return found


def _pending_deletion(account: Account, arn: str) -> bool:
    with told():
        return bool(account.client("kms").describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingDeletion")


def _remove_made_by_steps(session: Session, account: Account, report: Report) -> None:
    from botocore.exceptions import ClientError

    # What was made last goes first: it may use what was made before.
    for kind, identifier in reversed(session.left_by_steps):
        if kind not in _REMOVE:
            raise UserError(f"A step made {kind} {identifier}, which destroy cannot remove. Remove it by hand.")
        service, operation, names = _REMOVE[kind]
        parameters = dict(zip(names.split("/"), identifier.split("|"), strict=True))
        if kind == "AWS::SageMaker::TrainingJob":
            _stop(session, account, identifier)
        try:
            with told(expected=_GONE):
                getattr(account.client(service), operation)(**parameters)
            report(f"removed {kind} {identifier}")
        except ClientError:
            report(f"{kind} {identifier} was gone already")
        session.removed(kind, identifier)


def _stop(session: Session, account: Account, job: str) -> None:
    """End a training job that still runs, and wait until it has ended: a running one cannot be deleted."""
    from botocore.exceptions import ClientError

    sagemaker = account.client("sagemaker")
    try:
        with told(expected=_GONE):
            sagemaker.stop_training_job(TrainingJobName=job)
    except ClientError:
        return

    def ended() -> bool:
        with told():
            status = sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"]
        return status not in ("InProgress", "Stopping")

    session.wait(f"{job} is being stopped", ended)


def _clear_the_way(stacks: Any, name: str, account: Account, report: Report) -> None:
    """Empty the stack's buckets and remove network interfaces that services forgot."""
    with told():
        pages = stacks.get_paginator("list_stack_resources").paginate(StackName=name)
        resources = [entry for page in pages for entry in page["StackResourceSummaries"]]
    for resource in resources:
        if resource["ResourceStatus"] == "DELETE_COMPLETE":
            continue
        identifier = resource.get("PhysicalResourceId", "")
        if resource["ResourceType"] == "AWS::S3::Bucket":
            _empty(account.client("s3"), identifier, report)
        if resource["ResourceType"] == "AWS::EC2::VPC":
            _detached_interfaces(account.client("ec2"), identifier, report)


def _empty(s3: Any, bucket: str, report: Report) -> None:
    with told(expected=_GONE):
        try:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                found: list[Mapping[str, Any]] = page.get("Versions", []) + page.get("DeleteMarkers", [])
                objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
                if objects:
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
                    report(f"emptied {bucket}: {len(objects)} versions")
        except s3.exceptions.ClientError:
            return


def _detached_interfaces(ec2: Any, vpc: str, report: Report) -> None:
    with told():
        found = ec2.describe_network_interfaces(
            Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "status", "Values": ["available"]}]
        )["NetworkInterfaces"]
        for interface in found:
            ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
            report(f"removed network interface {interface['NetworkInterfaceId']}")


def _forget(session: Session) -> None:
    (session.folder / "memory.json").unlink(missing_ok=True)
