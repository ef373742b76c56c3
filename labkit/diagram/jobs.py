"""Jobs that no template lists: what a function may start on SageMaker, with the role that it passes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.cost.template import Resource, literal
from labkit.diagram.graph import Node
from labkit.diagram.stack import Stack
from labkit.diagram.text import words

_KINDS = {
    "sagemaker:CreateTrainingJob": "training",
    "sagemaker:CreateHyperParameterTuningJob": "tuning",
    "sagemaker:CreateProcessingJob": "processing",
    "sagemaker:CreateTransformJob": "transform",
    "sagemaker:CreateAutoMLJobV2": "automatic learning",
}
_INSTANCE = re.compile(r"\bml\.[a-z0-9-]+\.[a-z0-9]+\b")
# Texts of a job's definition that a reader cares about.
_FACTS = {
    '"EnableManagedSpotTraining":true': "managed spot",
    '"CheckpointConfig"': "checkpoints",
    '"EnableNetworkIsolation":true': "network isolation",
    '"EnableInterContainerTrafficEncryption":true': "encrypted between containers",
}


@dataclass(frozen=True)
class Job:
    """Jobs of one role that a function starts."""

    launcher: Resource
    role: Resource
    kinds: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"job:{self.launcher.logical_id}:{self.role.logical_id}"


def jobs(stack: Stack) -> Iterator[Job]:
    """Yield what the functions of a stack start, a job for each role that they pass on to SageMaker."""
    for function in stack.of("AWS::Lambda::Function"):
        for own in stack.named(function.properties.get("Role"), "AWS::IAM::Role"):
            may = {action for statement in stack.statements(own) for action in stack.actions(statement)}
            kinds = tuple(kind for action, kind in _KINDS.items() if action in may)
            passed = [
                statement.get("Resource")
                for statement in stack.statements(own)
                if "iam:PassRole" in stack.actions(statement)
            ]
            if kinds:
                yield from (Job(function, role, kinds) for role in stack.named(passed, "AWS::IAM::Role"))


def box(job: Job, stack: Stack) -> Node:
    """The box of a job, with what the function's environment tells of it."""
    told = job.launcher.properties.get("Environment", {})
    text = literal(list(told.get("Variables", {}).values())).replace(" ", "")
    path = stack.assembly.paths.get(job.role.logical_id, job.role.logical_id).split("/")
    names = [name for part in path if (name := re.sub(r"(Job)?Role$", "", part))]
    instance = _INSTANCE.search(text)
    return Node(
        job.id,
        f"{' and '.join(job.kinds)} job".capitalize(),
        words(names[-1]) if names else "SageMaker",
        "ml",
        "gear",
        [*([instance[0]] if instance else []), *(fact for sign, fact in _FACTS.items() if sign in text)],
        in_vpc=any(True for _ in stack.named(told, "AWS::EC2::Subnet")),
        encrypted=any(True for _ in stack.named(told, "AWS::KMS::Key")),
    )
