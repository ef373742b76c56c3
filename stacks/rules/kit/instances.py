"""Which hosting instances hold their data on local NVMe disks instead of a network volume."""

from __future__ import annotations

# Instance families of SageMaker hosting whose EC2 counterparts have instance store volumes (NVMe, encrypted by the
# hardware with keys that leave it never).
# Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-type-specifications.html (2026-11)
LOCAL_STORAGE = frozenset(
    {
        "c5d", "c6gd", "dl1", "g4dn", "g5", "g6", "g6e", "g7", "g7e", "m5d", "m6gd", "p4d", "p4de", "p5", "p5e", "p5en",
        "p6-b200", "p6-b300", "p6e-gb200", "r5d", "r6gd", "r7gd", "trn1", "trn1n", "trn2",
    }
)  # fmt: skip


def has_local_storage(instance_type: str) -> bool:
    """Tell whether a type such as ``ml.g5.xlarge`` stores on local disks."""
    parts = instance_type.split(".")
    return len(parts) == 3 and parts[1] in LOCAL_STORAGE
