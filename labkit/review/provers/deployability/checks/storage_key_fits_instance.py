"""A key for storage volumes is given only where there are volumes."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.instances import has_local_storage
from stacks.rules.kit.template import Resource

# Where a type names its key, its volume's size and its instance types.
_PLACES = {
    "AWS::SageMaker::EndpointConfig": (
        ("KmsKeyId", "ProductionVariants.*.VolumeSizeInGB", "ShadowProductionVariants.*.VolumeSizeInGB"),
        ("ProductionVariants.*.InstanceType", "ShadowProductionVariants.*.InstanceType"),
    ),
    "AWS::SageMaker::InferenceExperiment": (
        ("KmsKey",),
        ("ModelVariants.*.InfrastructureConfig.RealTimeInferenceConfig.InstanceType",),
    ),
    **{
        f"AWS::SageMaker::{kind}JobDefinition": (
            ("JobResources.ClusterConfig.VolumeKmsKeyId",),
            ("JobResources.ClusterConfig.InstanceType",),
        )
        for kind in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
    },
    "AWS::SageMaker::MonitoringSchedule": (
        ("MonitoringScheduleConfig.MonitoringJobDefinition.MonitoringResources.ClusterConfig.VolumeKmsKeyId",),
        ("MonitoringScheduleConfig.MonitoringJobDefinition.MonitoringResources.ClusterConfig.InstanceType",),
    ),
}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    keys, instances = _PLACES[resource.type]
    types = [plain for path in instances for _, value in resource.each(path) if (plain := view.plain(value))]
    local = sorted({one for one in types if has_local_storage(one)})
    for path in keys if local else ():
        for where, value in view.listed(resource, path):
            yield Fault(
                where, value, f"{', '.join(local)} stores on local NVMe disks, which no key and no size reaches"
            )


CHECK = Check(
    id="deploy-storage-key-fits-instance",
    title="A storage key or volume size is given only for instance types that have a volume",
    phase="create",
    why="Instance types with local NVMe disks have no volume; SageMaker refuses a key or a size for one.",
    fix="Leave the key out for these instance types, or use one without local disks such as ml.m5.",
    error="KmsKeyId cannot be specified for instance types with local instance storage (ValidationException)",
    sources=("https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html",),
    types=tuple(_PLACES),
    look=look,
)
