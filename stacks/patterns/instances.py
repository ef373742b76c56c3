"""What instance types can and cannot do."""

from __future__ import annotations

# Families with local NVMe storage: SageMaker refuses a volume key for them.
# Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html (KmsKeyId),
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-store-volumes.html
_LOCAL_STORAGE_FAMILIES = frozenset(
    ["c5d", "c6gd", "c6id", "c7gd", "c8gd", "g4dn", "g5", "g6", "g6e", "g7e", "i3", "i3en", "i4i", "im4gn", "is4gen", "m5d", "m5dn", "m6gd", "m6id", "m6idn", "m7gd", "m8gd", "p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "p6", "r5d", "r5dn", "r6gd", "r6id", "r6idn", "r7gd", "r8gd", "trn1", "trn1n", "trn2", "x1", "x1e", "x2gd", "x2idn", "x2iedn", "z1d"]
)


def has_local_storage(instance_type: str) -> bool:
    """Whether an instance type such as ``ml.g5.xlarge`` keeps data on local NVMe disks."""
    return instance_type.removeprefix("ml.").split(".")[0] in _LOCAL_STORAGE_FAMILIES


def is_burstable(instance_type: str) -> bool:
    """Whether an instance type earns CPU credits; such hosting variants cannot scale.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
    """
    return instance_type.removeprefix("ml.").startswith("t")
