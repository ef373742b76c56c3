"""One emulator for all tests of the base, and what they need to create stacks in it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from labkit.rehearsal.context import KEYS
from labkit.rehearsal.emulator import Emulator

BOOTSTRAP = "cdk-hnb659fds-assets-123456789012-us-east-1"


@dataclass
class Cloud:
    """The emulator from outside."""

    emulator: Emulator
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client to it."""
        if service not in self.clients:
            import boto3
            from botocore.config import Config

            self.clients[service] = boto3.client(
                service,
                region_name="us-east-1",
                endpoint_url=self.emulator.url,
                config=Config(retries={"total_max_attempts": 1}),
                **KEYS,
            )
        return self.clients[service]

    def create(self, resources: dict[str, Any], **more: Any) -> Stack:
        """Create a stack with a name of its own, and wait for the end."""
        template = resources if "Resources" in resources else {"Resources": resources}
        stack = Stack(self, f"Test-{uuid.uuid4().hex[:8]}")
        self.client("cloudformation").create_stack(
            StackName=stack.name, Capabilities=["CAPABILITY_IAM"], **self.template(template), **more
        )
        stack.wait()
        return stack

    def template(self, template: dict[str, Any]) -> dict[str, str]:
        """The template as a request takes it: large ones lie in the bootstrap bucket."""
        body = json.dumps(template)
        if len(body) < 50_000:
            return {"TemplateBody": body}
        self.client("s3").put_object(Bucket=BOOTSTRAP, Key="template.json", Body=body)
        return {"TemplateURL": f"{self.emulator.url}/{BOOTSTRAP}/template.json"}


@dataclass
class Stack:
    """A stack that a test made."""

    cloud: Cloud
    name: str

    @property
    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cloud.client("cloudformation").describe_stacks(StackName=self.id)["Stacks"][0]
        return found

    @property
    def status(self) -> str:
        return str(self.described["StackStatus"])

    @property
    def id(self) -> str:
        """The id also finds a deleted stack."""
        if not hasattr(self, "_id"):
            stacks = self.cloud.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
            self._id: str = stacks[0]["StackId"]
        return self._id

    def wait(self) -> str:
        while (status := self.status).endswith("IN_PROGRESS"):
            time.sleep(0.02)
        return status

    def update(self, resources: dict[str, Any], **more: Any) -> str:
        template = resources if "Resources" in resources else {"Resources": resources}
        self.cloud.client("cloudformation").update_stack(
            StackName=self.name, Capabilities=["CAPABILITY_IAM"], **self.cloud.template(template), **more
        )
        return self.wait()

    def delete(self) -> str:
        _ = self.id
        self.cloud.client("cloudformation").delete_stack(StackName=self.name)
        return self.wait()

    def physical(self, logical_id: str) -> str:
        detail = self.cloud.client("cloudformation").describe_stack_resource(
            StackName=self.id, LogicalResourceId=logical_id
        )
        return str(detail["StackResourceDetail"]["PhysicalResourceId"])

    def reasons(self, status: str) -> dict[str, str]:
        """Why resources went into a status, by logical id."""
        events = self.cloud.client("cloudformation").describe_stack_events(StackName=self.id)["StackEvents"]
        return {
            event["LogicalResourceId"]: event.get("ResourceStatusReason", "")
            for event in events
            if event["ResourceStatus"] == status
        }

    def order(self, status: str) -> list[str]:
        """The logical ids in the order in which they reached a status."""
        events = self.cloud.client("cloudformation").describe_stack_events(StackName=self.id)["StackEvents"]
        return [event["LogicalResourceId"] for event in reversed(events) if event["ResourceStatus"] == status]

    def ledger(self) -> dict[str, dict[str, Any]]:
        """The ledger's entries of this stack, by logical id."""
        entries = self.cloud.emulator.get("ledger")["resources"]
        return {entry["logical_id"]: entry for entry in entries if entry["stack"] == self.name}


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with Emulator() as emulator:
        yield Cloud(emulator)
