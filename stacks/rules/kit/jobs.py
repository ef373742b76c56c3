"""Jobs of SageMaker that a text inside a template starts: what each must say to stay private."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from stacks.rules.kit.rule import Problem
from stacks.rules.kit.values import each, is_function, is_on, texts

# Kind of job: where its arguments name isolation, encryption between containers, subnets, and keys.
_NETWORK = ("NetworkConfig.EnableNetworkIsolation", "NetworkConfig.EnableInterContainerTrafficEncryption")
_DIRECT = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption")
_SWITCHES = {"processing": _NETWORK, "training": _DIRECT}
_SUBNETS = {
    "processing": ("NetworkConfig.VpcConfig.Subnets",),
    "training": ("VpcConfig.Subnets",),
    "automl": ("AutoMLJobConfig.SecurityConfig.VpcConfig.Subnets",),
    "automlv2": ("SecurityConfig.VpcConfig.Subnets",),
}
_KEYS = {
    "processing": ("ProcessingResources.ClusterConfig.VolumeKmsKeyId", "ProcessingOutputConfig.KmsKeyId"),
    "training": ("ResourceConfig.VolumeKmsKeyId", "OutputDataConfig.KmsKeyId"),
    "transform": ("TransformResources.VolumeKmsKeyId", "TransformOutput.KmsKeyId"),
    "automl": ("AutoMLJobConfig.SecurityConfig.VolumeKmsKeyId", "OutputDataConfig.KmsKeyId"),
    "automlv2": ("SecurityConfig.VolumeKmsKeyId", "OutputDataConfig.KmsKeyId"),
}
KINDS = tuple(_KEYS)
# A tuning job describes its training jobs in one of these.
_TUNED = ("TrainingJobDefinition", "TrainingJobDefinitions.*")


def expect_private(kind: str, arguments: Any, path: str) -> Iterator[Problem]:
    """Yield what a job leaves open: network, isolation, encryption in transit, keys.

    Args:
        kind: one of ``KINDS``, or ``tuning``.
        arguments: what the job is created with. A value that is known when it runs counts where presence is enough.
        path: where the arguments stand.
    """
    if not isinstance(arguments, dict):
        yield Problem(path, arguments, "what the job is created with is known when it runs", undecided=True)
        return
    if kind == "tuning":
        for tuned in _TUNED:
            for where, one in each(arguments, tuned, at=path):
                if one is not None:
                    yield from expect_private("training", one, where)
        return
    for place in _SWITCHES.get(kind, ()):
        yield from _switch(arguments, place, path)
    for place in _SUBNETS.get(kind, ()):
        if not _given(arguments, place):
            yield Problem(f"{path}.{place}", None, f"the {kind} job is in no subnet of a VPC")
    # Instances with local disks take no key for a volume.
    for place in _KEYS[kind]:
        if not _given(arguments, place):
            yield Problem(f"{path}.{place}", None, f"the {kind} job has no customer-managed key there")


def _switch(arguments: dict[str, Any], place: str, path: str) -> Iterator[Problem]:
    what = "isolated" if place.endswith("Isolation") else "encrypting the traffic between its containers"
    later = _later(arguments, place)
    for where, value in each(arguments, place, at=path):
        if later or _at_run_time(value):
            yield Problem(where, value, f"whether the job is {what} is known when it runs", undecided=True)
        elif not is_on(value):
            yield Problem(where, value, f"the job is not {what}")


def _given(arguments: dict[str, Any], place: str) -> bool:
    values = [value for _, value in each(arguments, place)]
    return _later(arguments, place) or (
        bool(values) and all(value and "alias/aws/" not in str(value) for value in values)
    )


def _later(arguments: dict[str, Any], place: str) -> bool:
    """Whether a state machine fills in the place or a part above it, as in ``VpcConfig.$``."""
    current: Any = arguments
    for step in place.split("."):
        if not isinstance(current, dict) or _at_run_time(current):
            return _at_run_time(current)
        if f"{step}.$" in current:
            return True
        current = current.get(step)
    return False


def _at_run_time(value: Any) -> bool:
    expression = isinstance(value, str) and value.startswith(("{%", "$."))
    return expression or is_function(value) or (isinstance(value, dict) and set(value) in ({"Get"}, {"Std:Join"}))


def read(value: Any) -> Iterable[Any]:
    """Yield the JSON document of each text that a value can be; ``None`` where it is none.

    A document that stands there as a mapping is itself. References stay in the texts as ``${Key.Arn}``.
    """
    if isinstance(value, dict) and not is_function(value):
        yield value
        return
    for text in texts(value):
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            yield None
