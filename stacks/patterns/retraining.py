"""Training as a pipeline of isolated jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.acceptance import accept
from stacks.images import image_uri
from stacks.patterns.separation import releases_nothing
from stacks.secure.bucket import Bucket
from stacks.secure.key import Key
from stacks.secure.names import placed, stack_of, sub
from stacks.secure.network import Network
from stacks.secure.registry import GuardedModelGroup
from stacks.secure.role import Role

_HERE = "${AWS::Region}:${AWS::AccountId}"
_SAGEMAKER = f"arn:${{AWS::Partition}}:sagemaker:{_HERE}"
_LOGS = f"arn:${{AWS::Partition}}:logs:{_HERE}:log-group:/aws/sagemaker"


JOB_KINDS = ("ProcessingJobs", "TrainingJobs")
# Made by the first job of an account, without a retention, unless somebody made them before.
JOB_LOG_GROUPS = tuple(f"/aws/sagemaker/{kind}" for kind in JOB_KINDS)


class TrainingPipeline(sagemaker.CfnPipeline):
    """A SageMaker pipeline from a definition made at development time; its jobs reach data and models, nothing else.

    The definition names what only the stack knows by placeholders such as ``{{jobs-role}}``; a placeholder that the
    stack does not know is an error. One role runs the pipeline, another one its jobs.

    Args:
        definition: JSON file.
        data: bucket with accepted deliveries, below ``accepted/``.
        models: bucket for what runs leave, below ``runs/``.
        registry: gets the models that are good enough.
        network: where the jobs run.
        key: encrypts volumes and what the jobs write.

    Raises:
        ValueError: the definition has a placeholder that is not known here.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        definition: Path,
        data: Bucket,
        models: Bucket,
        registry: GuardedModelGroup,
        network: Network,
        key: Key,
    ) -> None:
        parts = Construct(scope, f"{id}Parts")
        placed(parts, scope, f"{id}Parts")
        stack = stack_of(scope)
        image = image_uri("xgboost", region=stack.settings.region, version="3.2-0")
        self.image = image
        self.jobs = job_role(parts, "JobRole", image=image, network=network, key=key)
        self.jobs.can_read(data, "accepted/")
        self.jobs.can_read(models, "runs/")
        self.jobs.can_write(models, "runs/")
        self.role_ = Role(parts, "Role", service="sagemaker")
        self._may_run(registry, models)
        releases_nothing(self.jobs, self.role_)
        accept(
            self.role_,
            "removed-completely",
            because="SageMaker makes one log group for all jobs of an account; the steps note it when they cause it, and "
            "`labs destroy` then removes it; what else is in it belongs to others",
        )
        body = filled(
            json.loads(definition.read_text(encoding="utf-8")),
            {
                "jobs-role": self.jobs.arn_,
                "key": key.arn,
                "xgboost-image": image,
                "model-package-group": registry.name_,
                "region": stack.settings.region,
                "security-group": network.workload_group_id,
                "subnets": list(network.subnet_ids),
            },
        )
        name = stack.name.lower()  # SageMaker writes names in ARNs in lower case
        super().__init__(
            scope,
            id,
            pipeline_name=name,
            role_arn=self.role_.arn_,
            pipeline_definition={"PipelineDefinitionBody": stack.to_json_string(body)},
        )
        placed(self, scope, id)
        self.name_ = name
        self.sub_arn = f"{_SAGEMAKER}:pipeline/{name}"
        self.role_.ready(self)
        self.jobs.ready(self)
        network.ready_for(self)
        stack.order(self, after=lambda: [registry, registry.emptied])
        models.stopped_before_emptied(self)

    def _may_run(self, registry: GuardedModelGroup, models: Bucket) -> None:
        for kind in ("processing", "training"):
            title = kind.title()
            self.role_.allow(
                f"sagemaker:Create{title}Job",
                f"sagemaker:Describe{title}Job",
                f"sagemaker:Stop{title}Job",
                "sagemaker:AddTags",
                on=sub(f"{_SAGEMAKER}:{kind}-job/pipelines-*"),
                because="SageMaker names the jobs of pipelines after their execution, which is not known beforehand",
            )
        self.role_.allow(
            "iam:PassRole",
            on=self.jobs.arn_,
            condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        )
        self.role_.allow(
            "sagemaker:CreateModelPackage",
            "sagemaker:DescribeModelPackage",
            "sagemaker:AddTags",
            on=[sub(registry.packages), sub(registry.group)],
            because="the versions of a group are numbered as they come; limited to the lab's one group",
        )
        # The condition step reads the evaluation, and registration looks at model and metrics.
        self.role_.can_read(models, "runs/")


def job_role(
    scope: Construct,
    id: str,
    *,
    image: str,
    network: Network,
    key: Key,
    kinds: Sequence[str] = JOB_KINDS,
) -> Role:
    """The role of isolated containers: their image, their place in the network, their encrypted volumes, their logs.

    Args:
        image: in a registry of AWS.
        network: where they run.
        key: of their volumes.
        kinds: of jobs, whose log groups and metrics they write.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    role = Role(scope, id, service="sagemaker")
    role.can_join(network, as_service="sagemaker")
    role.can_attach_volumes(key)
    role.can_encrypt(key)
    role.can_pull(image)
    for kind in kinds:
        role.allow(
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            # All jobs of the account share the group; whoever makes it says how long it keeps.
            on=sub(f"{_LOGS}/{kind}:log-stream:pipelines-*"),
            because="SageMaker names the streams after the jobs of pipelines; limited to these",
        )
        role.can_put_metrics(f"/aws/sagemaker/{kind}")
    return role


def filled(value: Any, known: Mapping[str, Any]) -> Any:
    """A definition with its placeholders filled in; a list of one placeholder may become a longer list.

    Raises:
        ValueError: a placeholder is not known.
    """
    if isinstance(value, dict):
        return {key: filled(entry, known) for key, entry in value.items()}
    if isinstance(value, list):
        parts = [filled(entry, known) for entry in value]
        return [entry for part in parts for entry in (part if isinstance(part, list) else [part])]
    if not isinstance(value, str) or not value.startswith("{{"):
        return value
    name = value.removeprefix("{{").removesuffix("}}")
    if name not in known:
        raise ValueError(f"unknown placeholder {value} in the pipeline's definition; known: {', '.join(sorted(known))}")
    return known[name]
