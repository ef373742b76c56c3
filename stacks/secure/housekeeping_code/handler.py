"""Answers CloudFormation: empties a bucket before it is deleted, closes a VPC's default security group."""

import json
import logging
import urllib.request
from typing import Any

import boto3
from botocore.exceptions import ClientError

log = logging.getLogger()
log.setLevel(logging.INFO)

# Time kept for the answer, in milliseconds.
RESERVE_MS = 20_000


def handler(event: dict[str, Any], context: Any) -> None:
    """Do what the custom resource asks and report the outcome, whatever happens."""
    properties = event["ResourceProperties"]
    # A changed bucket or VPC gets a new physical id; CloudFormation then deletes the old one.
    created_as = properties.get("BucketName") or properties["VpcId"]
    physical_id = event["PhysicalResourceId"] if event["RequestType"] == "Delete" else created_as
    try:
        if event["ResourceType"] == "Custom::EmptyOnDelete":
            if event["RequestType"] == "Delete":
                empty(physical_id, context)
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
