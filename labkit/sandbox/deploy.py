"""Deploys a lab's stack and follows it until it stands."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from labkit.assembly import Assembly
from labkit.errors import UserError
from labkit.sandbox.account import Account, told

Report = Callable[[str], None]

_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_DEAD = ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED")


def deploy(
    assembly: Assembly, *, hours_to_live: int, now: datetime | None = None, report: Report = lambda text: None,
    every: float = 5,
) -> dict[str, str]:  # fmt: skip
    """Create or update the stack, and return its outputs.

    Args:
        assembly: the synthesized lab.
        hours_to_live: hours until the stack deletes itself; 0 keeps it.
        now: the current time; default: this machine's clock.
        report: told what happens, line by line.
        every: seconds between two looks.

    Raises:
        UserError: the account is not ready, or CloudFormation failed; names the resources and their reasons.
    """
    account = Account(assembly)
    account.require_bootstrap()
    stacks = account.client("cloudformation")
    existing = status(stacks, assembly.stack)
    if existing in _DEAD:
        raise UserError(
            f"Stack {assembly.stack} is {existing} from an earlier attempt. Remove it first: labs destroy {assembly.lab}"
        )
    if existing and existing.endswith("_IN_PROGRESS"):
        raise UserError(f"Stack {assembly.stack} is {existing}. Wait until it is done, then run the command again.")
    url = publish(assembly, account, report)
    ends = (now or datetime.now(UTC)) + timedelta(hours=hours_to_live)
    request: dict[str, Any] = {
        "StackName": assembly.stack,
        "TemplateURL": url,
        "Parameters": [
            {"ParameterKey": "DeleteAt", "ParameterValue": f"{ends:%Y-%m-%dT%H:%M:%S}" if hours_to_live else ""}
        ],
        "Capabilities": ["CAPABILITY_IAM"],
        # The role stays with the stack, so that the expiry schedule can have the stack deleted.
        "RoleARN": account.execution_role,
        "Tags": _tags(assembly),
    }
    began = datetime.now(UTC)
    try:
        with told(expected=("ValidationError",)):
            if existing:
                stacks.update_stack(**request)
            else:
                stacks.create_stack(**request, OnFailure="ROLLBACK")
    except Exception as error:
        if "No updates are to be performed" not in str(error):
            raise UserError(f"CloudFormation refused the template of {assembly.stack}: {error}") from None
        report(f"{assembly.stack} is up to date")
    follow(stacks, assembly.stack, good=_GOOD, since=began, report=report, every=every)
    return outputs(stacks, assembly.stack)


def publish(assembly: Assembly, account: Account, report: Report) -> str:
    """Upload what the stack needs to the bootstrap bucket, and return the template's URL."""
    s3 = account.client("s3")
    uploads = [(asset.path, account.fill(asset.bucket), asset.key) for asset in assembly.assets]
    template = assembly.folder / f"{assembly.stack}.template.json"
    key = f"{assembly.record['template_sha256']}.json"
    for path, bucket, name in [*uploads, (template, account.bucket, key)]:
        with told(expected=("404", "NoSuchKey", "NotFound")):
            try:
                s3.head_object(Bucket=bucket, Key=name)
            except s3.exceptions.ClientError:
                report(f"upload {path.name}")
                s3.upload_file(str(path), bucket, name)
    endpoint = s3.meta.endpoint_url.rstrip("/")
    return f"{endpoint}/{account.bucket}/{key}"


def status(stacks: Any, name: str) -> str | None:
    """The stack's status; None when there is no such stack."""
    try:
        with told(expected=("ValidationError",)):
            found = stacks.describe_stacks(StackName=name)["Stacks"]
    except stacks.exceptions.ClientError:
        return None
    state = str(found[0]["StackStatus"]) if found else "DELETE_COMPLETE"
    return None if state == "DELETE_COMPLETE" else state


def outputs(stacks: Any, name: str) -> dict[str, str]:
    """The stack's outputs."""
    with told():
        stack = stacks.describe_stacks(StackName=name)["Stacks"][0]
    return {entry["OutputKey"]: entry["OutputValue"] for entry in stack.get("Outputs", [])}


def follow(
    stacks: Any, name: str, *, good: tuple[str, ...], since: datetime, report: Report, every: float
) -> None:  # fmt: skip
    """Wait until a stack operation ends, telling each resource's event once.

    Raises:
        UserError: it ended badly; names each failed resource and CloudFormation's reason.
    """
    told_already: set[str] = set()
    failures: list[str] = []
    while True:
        state = status(stacks, name) or "DELETE_COMPLETE"
        for event in _events(stacks, name, since):
            if event["EventId"] in told_already:
                continue
            told_already.add(event["EventId"])
            line = f"{event['ResourceStatus']} {event['LogicalResourceId']}"
            reason = event.get("ResourceStatusReason", "")
            if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason:
                failures.append(f"{event['LogicalResourceId']}: {reason}")
            report(f"{line} {reason}".rstrip())
        if not state.endswith("_IN_PROGRESS"):
            break
        time.sleep(every)
    if state not in good:
        listed = "\n  ".join(failures) or "CloudFormation gave no reason"
        raise UserError(f"Stack {name} ended as {state}:\n  {listed}")


def _events(stacks: Any, name: str, since: datetime) -> list[dict[str, Any]]:
    """Events since a moment, oldest first."""
    found: list[dict[str, Any]] = []
    try:
        with told(expected=("ValidationError",)):
            for page in stacks.get_paginator("describe_stack_events").paginate(StackName=name):
                fresh = [e for e in page["StackEvents"] if e["Timestamp"] >= since - timedelta(seconds=2)]
                found += fresh
                if len(fresh) < len(page["StackEvents"]):
                    break
    except stacks.exceptions.ClientError:
        return []
    return found[::-1]


def _tags(assembly: Assembly) -> list[dict[str, str]]:
    manifest = json.loads((assembly.folder / "manifest.json").read_text())
    tags = manifest["artifacts"][assembly.stack]["properties"].get("tags", {})
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
