"""Answers CloudFormation: empties buckets, removes what pipelines deployed, closes a VPC's default security group."""

import json
import logging
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

log = logging.getLogger()
log.setLevel(logging.INFO)

# The property that becomes the physical id.
NAMES = ("BucketName", "StackName", "ModelPackageGroupName", "JobPrefix", "ScheduleName", "VpcId")
# Time kept for the answer, in milliseconds.
RESERVE_MS = 20_000
LOOK_SECONDS = 2


def handler(event: dict[str, Any], context: Any) -> None:
    """Do what the custom resource asks and report the outcome, whatever happens."""
    properties = event["ResourceProperties"]
    # A changed bucket, stack, group or VPC gets a new physical id; CloudFormation then deletes the old one.
    created_as = next(properties[name] for name in NAMES if name in properties)
    physical_id = event["PhysicalResourceId"] if event["RequestType"] == "Delete" else created_as
    try:
        if event["ResourceType"] == "Custom::EmptyOnDelete":
            if event["RequestType"] == "Delete":
                empty(physical_id, context)
        elif event["ResourceType"] in REMOVERS:
            if event["RequestType"] == "Delete":
                REMOVERS[event["ResourceType"]](physical_id, context)
        elif event["RequestType"] != "Delete":
            close_default_group(properties["DefaultSecurityGroupId"], properties["Account"])
        answer(event, context, "SUCCESS", physical_id)
    except Exception as error:
        log.exception("failed")
        answer(event, context, "FAILED", physical_id, f"{type(error).__name__}: {error}")


def empty(bucket: str, context: Any) -> None:
    """Delete every version and delete marker of a bucket. A bucket that is gone is empty."""
    s3 = boto3.client("s3")
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = page.get("Versions", []) + page.get("DeleteMarkers", [])
            objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
            if objects:
                failed = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors")
                if failed:
                    raise RuntimeError(f"{bucket}: {len(failed)} objects not deleted, first: {failed[0]}")
                log.info("%s: %d versions deleted", bucket, len(objects))
            if context.get_remaining_time_in_millis() < RESERVE_MS:
                raise RuntimeError(f"{bucket} holds more objects than one run can delete: delete the stack again")
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def remove_stack(name: str, context: Any) -> None:
    """Delete a stack that a pipeline deployed, with the role it was deployed with. A stack that is gone is removed."""
    stacks = boto3.client("cloudformation")
    asked, pause = False, 0.5
    while (state := stack_state(stacks, name)) is not None:
        if state.endswith("_IN_PROGRESS"):
            log.info("%s is %s", name, state)
        elif state == "DELETE_FAILED" and asked:
            raise RuntimeError(f"stack {name} could not be deleted: see its events, then delete this stack again")
        else:
            stacks.delete_stack(StackName=name)
            asked = True
        if context.get_remaining_time_in_millis() < RESERVE_MS:
            raise RuntimeError(f"stack {name} is still {state}: delete this stack again")
        time.sleep(pause)
        pause = min(pause * 1.5, 10)


def remove_packages(group: str, context: Any) -> None:
    """Delete the versions in a group of models, which would keep it from being deleted."""
    sagemaker = boto3.client("sagemaker")
    for page in sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group):
        for package in page["ModelPackageSummaryList"]:
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
            log.info("%s deleted", package["ModelPackageArn"])
        if context.get_remaining_time_in_millis() < RESERVE_MS:
            raise RuntimeError(f"{group} holds more versions than one run can delete: delete the stack again")


def stack_state(stacks: Any, name: str) -> str | None:
    """The status of a stack; None when there is none of that name."""
    try:
        found = stacks.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    state = str(found[0]["StackStatus"]) if found else "DELETE_COMPLETE"
    return None if state == "DELETE_COMPLETE" else state


def stop_processing(prefix: str, context: Any) -> None:
    """Stop every processing job whose name begins so, and wait until none runs: it holds interfaces in the VPC."""
    sagemaker = boto3.client("sagemaker")

    def stop(name: str) -> None:
        sagemaker.stop_processing_job(ProcessingJobName=name)

    _stop(lambda: _jobs(sagemaker, "list_processing_jobs", "ProcessingJob", prefix), stop, context)


def stop_training(prefix: str, context: Any) -> None:
    """Stop every training job whose name begins so, and wait until none runs: it holds interfaces in the VPC."""
    sagemaker = boto3.client("sagemaker")

    def stop(name: str) -> None:
        sagemaker.stop_training_job(TrainingJobName=name)

    _stop(lambda: _jobs(sagemaker, "list_training_jobs", "TrainingJob", prefix), stop, context)


def _stop(look: Callable[[], dict[str, str]], stop: Callable[[str], None], context: Any) -> None:
    while running := look():
        for name, status in running.items():
            if status == "InProgress":
                stop(name)
                log.info("stopping %s", name)
        if context.get_remaining_time_in_millis() < RESERVE_MS:
            raise RuntimeError(f"jobs still stop: {', '.join(running)}: delete the stack again")
        time.sleep(LOOK_SECONDS)


def stop_monitoring(schedule: str, context: Any) -> None:
    """Stop a monitoring schedule and what it runs: SageMaker deletes none whose execution is under way."""
    sagemaker = boto3.client("sagemaker")
    try:
        sagemaker.stop_monitoring_schedule(MonitoringScheduleName=schedule)
        while running := _executions(sagemaker, schedule):
            for job in running:
                sagemaker.stop_processing_job(ProcessingJobName=job.rpartition("/")[2])
                log.info("stopping %s", job)
            if context.get_remaining_time_in_millis() < RESERVE_MS:
                raise RuntimeError(f"executions of {schedule} still stop: delete the stack again")
            time.sleep(LOOK_SECONDS)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFound", "ResourceNotFoundException"):
            raise


def _executions(sagemaker: Any, schedule: str) -> list[str]:
    """The jobs of executions that are under way."""
    found = []
    for status in ("Pending", "InProgress", "Stopping"):
        pages = sagemaker.get_paginator("list_monitoring_executions").paginate(
            MonitoringScheduleName=schedule, StatusEquals=status
        )
        found += [one.get("ProcessingJobArn", "") for page in pages for one in page["MonitoringExecutionSummaries"]]
    return [job for job in found if job]


def _jobs(sagemaker: Any, operation: str, kind: str, prefix: str) -> dict[str, str]:
    """Names and states of the jobs of a kind that still run."""
    found = {}
    for status in ("InProgress", "Stopping"):
        pages = sagemaker.get_paginator(operation).paginate(NameContains=prefix, StatusEquals=status)
        for job in (job for page in pages for job in page[f"{kind}Summaries"]):
            if job[f"{kind}Name"].startswith(prefix):
                found[job[f"{kind}Name"]] = job[f"{kind}Status"]
    return found


def close_default_group(group: str, account: str) -> None:
    """Take away the two rules every VPC's default security group is born with."""
    ec2 = boto3.client("ec2")
    inbound = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group, "UserId": account}]}]
    outbound = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    for revoke, rules in (
        (ec2.revoke_security_group_ingress, inbound),
        (ec2.revoke_security_group_egress, outbound),
    ):
        try:
            revoke(GroupId=group, IpPermissions=rules)
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidPermission.NotFound":
                raise


def answer(event: dict[str, Any], context: Any, status: str, physical_id: str, reason: str = "") -> None:
    """Report to CloudFormation through the presigned URL it gave."""
    body = json.dumps(
        {
            "Status": status,
            "Reason": reason or f"See log stream {context.log_stream_name}",
            "PhysicalResourceId": physical_id,
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        }
    ).encode()
    url = event["ResponseURL"]  # presigned by CloudFormation
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        log.info("%s %s: %s", status, physical_id, response.status)


REMOVERS = {
    "Custom::EmptyOnDelete": empty,
    "Custom::StackRemovedOnDelete": remove_stack,
    "Custom::StopJobsOnDelete": stop_processing,
    "Custom::StopTrainingOnDelete": stop_training,
    "Custom::StopMonitoringOnDelete": stop_monitoring,
    "Custom::PackagesRemovedOnDelete": remove_packages,
}
