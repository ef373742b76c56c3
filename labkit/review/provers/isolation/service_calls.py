"""What services call for a workload through the workload's interfaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.isolation.documents import objects
from labkit.review.provers.isolation.needs import Need, Role, by_role, by_service
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.symbols import STAR
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import as_list, is_function

_REGISTRY = re.compile(r"\.dkr\.ecr\.|\$\{[^}]*(?:Repository|Repo)")


class ServiceCalls:
    """The calls of services for the workloads of a template."""

    def __init__(self, view: View, stack: Stack) -> None:
        self._view = view
        self._stack = stack

    def of(self, resource: Resource, row: dict[str, Any], role: Role, label: str) -> Iterator[Need]:
        """What the service calls for a resource through its interfaces."""
        region, partition = self._view.region, self._view.partition
        services = [one for one in row.get("needs", ()) if one != "s3"]
        why = f"{resource.type.split('::')[1]} for {label}"
        yield from by_service(services, why, role, region, partition)
        yield from by_service(row.get("disputed", ()), why, role, region, partition, "disputed")
        if resource.type == "AWS::SageMaker::Model":
            yield from self.by_uris(resource.properties, why)
            yield from self._captured(resource, why)
        elif resource.type == "AWS::ECS::Service":
            yield from self._task(resource, why, role)
        elif "s3" in row.get("needs", ()):
            for action in ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:ListBucket"):
                if targets := role.targets(action):
                    yield Need("s3", action, targets, why)
            if not role.targets("s3:GetObject"):
                yield Need("s3", "", (), why)
        image = self._view.text(resource.one("Environment.Image")) if resource.type == "AWS::CodeBuild::Project" else ""
        if image and _REGISTRY.search(image):
            yield from by_service(("ecr.api", "ecr.dkr"), why, role, region, partition, "disputed")

    def _captured(self, model: Resource, why: str) -> Iterator[Need]:
        """Where the requests to endpoints of a model are captured."""
        for name in self._view.graph.users(model):
            configuration = self._view.template.resources[name]
            if configuration.type == "AWS::SageMaker::EndpointConfig":
                uri = configuration.one("DataCaptureConfig.DestinationS3Uri")
                if uri is not None and (target := self._target(uri)):
                    yield Need("s3", "s3:PutObject", (target,), f"{why}: capture")

    def _task(self, service: Resource, why: str, role: Role) -> Iterator[Need]:
        definition = self._view.target(service.properties.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
        services: dict[str, None] = {}
        for _, container in definition.each("ContainerDefinitions.*") if definition is not None else ():
            if isinstance(container, dict) and not is_function(container):
                if _REGISTRY.search(self._view.text(container.get("Image")) or ""):
                    services |= {"ecr.api": None, "ecr.dkr": None}
                logging = container.get("LogConfiguration")
                if isinstance(logging, dict) and logging.get("LogDriver") == "awslogs":
                    services["logs"] = None
                for secret in as_list(container.get("Secrets")):
                    source = self._view.text(secret.get("ValueFrom")) if isinstance(secret, dict) else None
                    services["ssm" if source and ":ssm:" in source else "secretsmanager"] = None
        execution = (
            Role.named(self._view, self._stack, definition.properties.get("ExecutionRoleArn"))
            if definition is not None
            else role
        )
        yield from by_service(services, why, execution, self._view.region, self._view.partition)
        if definition is not None and definition.properties.get("TaskRoleArn") is not None:
            task = Role.named(self._view, self._stack, definition.properties["TaskRoleArn"])
            yield from by_role(task, f"the code of {service.logical_id}", besides=())

    def by_uris(self, body: Any, why: str) -> Iterator[Need]:
        """What is read and written in S3, by the URIs in a definition."""
        found: dict[tuple[str, str], None] = {}
        for around, one in objects(body):
            for key, value in one.items():
                if not key.endswith(("S3Uri", "S3OutputPath", "ModelDataUrl", "DestinationS3Uri")):
                    continue
                written = key in ("S3OutputPath", "DestinationS3Uri") or any("S3Output" in part or "S3UploadMode" in part
                                                                             for part in (*around[-1:], one))  # fmt: skip
                kept = "LocalPath" in one and key == "S3Uri" and "S3UploadMode" not in one and "S3DataType" not in one
                target = self._target(value)
                found[("s3:PutObject" if written else "s3:GetObject", target)] = None
                if kept and not written:
                    found[("s3:PutObject", target)] = None
        # Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html (inputs by prefix are listed)
        for target in dict.fromkeys(target for action, target in found if action == "s3:GetObject"):
            if target.endswith(STAR):
                yield Need("s3", "s3:ListBucket", (target.partition("/")[0],), why)
        for action, target in found:
            yield Need("s3", action, (target,) if target else (), why)
        if not found:
            yield Need("s3", "", (), why)

    def _target(self, value: Any) -> str:
        if isinstance(value, dict) and not is_function(value):
            return ""
        for text in self._stack.names.texts(value):
            if text.value.startswith("s3://"):
                rest = text.value[5:]
                exact = rest.endswith((".gz", ".zip", ".json", ".csv", ".py"))
                return f"arn:{self._view.partition}:s3:::{rest}" + ("" if exact else STAR)
        return ""
