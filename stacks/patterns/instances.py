"""What instance types can and cannot do."""

from __future__ import annotations

from stacks.rules.kit.instances import has_local_storage

__all__ = ["has_local_storage", "is_burstable"]


def is_burstable(instance_type: str) -> bool:
    """Whether an instance type earns CPU credits; such hosting variants cannot scale.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
    """
    return instance_type.removeprefix("ml.").startswith("t")
