"""A job that a definition in a template starts is as private as one that the template makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from stacks.rules.kit.documents import objects
from stacks.rules.kit.instances import has_local_storage
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

_ISOLATION = "EnableNetworkIsolation"
_TRAFFIC = "EnableInterContainerTrafficEncryption"


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    seen: set[tuple[str, str]] = set()
    for path, one in objects(resource.properties):
        for name, message in _missing(one):
            place = f"{path}.{name}" if path else name
            if (place, message) not in seen:
                seen.add((place, message))
                yield Problem(place, None, message)


def _missing(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a job lacks, if an object is one: a training or a processing job, however it is started."""
    if isinstance(one.get("ResourceConfig"), dict) and "AlgorithmSpecification" in one:
        yield from _guarded(one, "")
        yield from _keys(one["ResourceConfig"], "ResourceConfig")
        if not _inner(one, "OutputDataConfig").get("KmsKeyId"):
            yield "OutputDataConfig.KmsKeyId", "the model is encrypted with no key of the lab"
    elif isinstance(one.get("ProcessingResources"), dict) and "AppSpecification" in one:
        yield from _guarded(_inner(one, "NetworkConfig"), "NetworkConfig.")
        yield from _keys(_inner(_inner(one, "ProcessingResources"), "ClusterConfig"), "ProcessingResources.ClusterConfig")
        output = _inner(one, "ProcessingOutputConfig")
        if output and not output.get("KmsKeyId"):
            yield "ProcessingOutputConfig.KmsKeyId", "the results are encrypted with no key of the lab"


def _guarded(job: dict[str, Any], at: str) -> Iterator[tuple[str, str]]:
    if job.get(_ISOLATION) is not True:
        yield f"{at}{_ISOLATION}", "the job's containers may reach the network"
    if job.get(_TRAFFIC) is not True:
        yield f"{at}{_TRAFFIC}", "the job's containers talk in plain text"
    if not _inner(job, "VpcConfig").get("Subnets"):
        yield f"{at}VpcConfig", "the job runs outside the lab's network"


def _keys(cluster: dict[str, Any], at: str) -> Iterator[tuple[str, str]]:
    type_ = cluster.get("InstanceType")
    local = isinstance(type_, str) and has_local_storage(type_)
    if not cluster.get("VolumeKmsKeyId") and not local:
        yield f"{at}.VolumeKmsKeyId", "the volume is encrypted with no key of the lab"


def _inner(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


RULE = Rule(
    id="job-in-text-private",
    title="A job that a definition starts has isolation, network, keys and encryption in transit",
    why="What stands as text in a pipeline, a state machine or an environment no rule on resources sees.",
    fix="Give the job network isolation, encrypted traffic, a VpcConfig, a volume key and an output key.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
    controls=("NIST SC-7", "NIST SC-8", "NIST SC-28", "NIST AC-4"),
    types=("AWS::SageMaker::Pipeline", "AWS::StepFunctions::StateMachine", "AWS::Lambda::Function"),
    check=check,
)
