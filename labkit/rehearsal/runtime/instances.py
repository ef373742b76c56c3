"""How large an instance type is, from its name: family and size say vCPUs and memory."""

from __future__ import annotations

from dataclasses import dataclass

_GIB = 1 << 30
_VCPUS = {"medium": 2, "large": 2, "xlarge": 4}
_GIB_PER_VCPU = {"c": 2, "m": 4, "r": 8}
# Burstable and accelerated types do not follow the rule (SageMaker AI pricing: instance details).
_GIVEN = {
    "ml.t2.medium": (2, 4),
    "ml.t2.large": (2, 8),
    "ml.t2.xlarge": (4, 16),
    "ml.t2.2xlarge": (8, 32),
    "ml.g4dn.xlarge": (4, 16),
    "ml.g5.xlarge": (4, 16),
    "ml.inf1.xlarge": (4, 8),
}


@dataclass(frozen=True)
class Size:
    """vCPUs and bytes of memory of one instance."""

    vcpus: int
    memory: int


def size(instance_type: str) -> Size:
    """The size of ``ml.<family>.<size>``; an unknown family counts as general purpose (4 GiB per vCPU)."""
    if instance_type in _GIVEN:
        vcpus, gib = _GIVEN[instance_type]
        return Size(vcpus, gib * _GIB)
    _, family, name = instance_type.split(".")
    vcpus = _VCPUS.get(name) or 4 * int(name.removesuffix("xlarge") or 1)
    return Size(vcpus, vcpus * _GIB_PER_VCPU.get(family[0], 4) * _GIB)


def burstable(instance_type: str) -> bool:
    """Whether the type is of a burstable family, which cannot be scaled automatically."""
    return instance_type.startswith("ml.t")
