"""The model registry: versions that are approved or not, each described completely, each change told on the bus."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import job_checks
from labkit.rehearsal.runtime.announcing import announce
from labkit.rehearsal.runtime.artefact import ServingError, read

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

EVENT = "SageMaker Model Package State Change"
APPROVALS = ("Approved", "Rejected", "PendingManualApproval")
_GIVEN = (
    "ModelPackageDescription",
    "InferenceSpecification",
    "SourceAlgorithmSpecification",
    "ValidationSpecification",
    "MetadataProperties",
    "ModelMetrics",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "SecurityConfig",
    "ModelCard",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
_CHANGEABLE = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)


def caller(context: Context) -> dict[str, Any]:
    """Who did it: every caller of a rehearsal is the same user."""
    arn = f"arn:{context.partition}:iam::{context.account}:root"
    return {"IamIdentity": {"Arn": arn, "PrincipalId": context.account}}


class Package:
    """One version of a group, or a package without a group."""

    def __init__(self, context: Context, *, request: dict[str, Any], version: int | None) -> None:
        self._context = context
        self.model_package_group_name = request.get("ModelPackageGroupName")
        self.model_package_version = version
        self.model_package_name = request.get("ModelPackageName")
        own = f"{self.model_package_group_name}/{version}" if version else str(self.model_package_name)
        here = f"arn:{context.partition}:sagemaker:{context.region}:{context.account}"
        self.arn = f"{here}:model-package/{own.lower()}"
        self.tags: list[dict[str, str]] = list(request.get("Tags") or [])
        self.members = {name: request[name] for name in _GIVEN if request.get(name) is not None}
        if version:
            self.members["ModelApprovalStatus"] = request.get("ModelApprovalStatus", "PendingManualApproval")
        self.members["CertifyForMarketplace"] = bool(request.get("CertifyForMarketplace"))
        self.creation_time = context.clock.now()
        self.changed_at: datetime | None = None

    @property
    def approval(self) -> str | None:
        """The approval status of a version."""
        status: str | None = self.members.get("ModelApprovalStatus")
        return status

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeModelPackage."""
        answer = {
            **self.members,
            "ModelPackageArn": self.arn,
            "CreationTime": self.creation_time,
            "CreatedBy": caller(self._context),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            **self._names(),
        }
        if self.changed_at:
            answer |= {"LastModifiedTime": self.changed_at, "LastModifiedBy": caller(self._context)}
        return answer

    @property
    def response_object(self) -> dict[str, Any]:
        """The answer of Describe, as moto's search asks for it."""
        return self.describe()

    gen_response_object = describe

    def summary(self) -> dict[str, Any]:
        """An entry of ListModelPackages."""
        members = ("ModelPackageDescription", "ModelApprovalStatus", "ModelLifeCycle", "ModelPackageRegistrationType")
        return {
            **{name: self.members[name] for name in members if name in self.members},
            **self._names(),
            "ModelPackageArn": self.arn,
            "CreationTime": self.creation_time,
            "ModelPackageStatus": "Completed",
        }

    def _names(self) -> dict[str, Any]:
        if self.model_package_version is None:
            return {"ModelPackageName": self.model_package_name}
        return {
            "ModelPackageGroupName": self.model_package_group_name,
            "ModelPackageVersion": self.model_package_version,
        }

    def update(self, request: dict[str, Any]) -> None:
        """Change what may be changed, and tell."""
        changed = [name for name in _CHANGEABLE if request.get(name) is not None]
        for name in changed:
            self.members[name] = request[name]
        properties = {**self.members.get("CustomerMetadataProperties", {})}
        properties.update(request.get("CustomerMetadataProperties") or {})
        for name in request.get("CustomerMetadataPropertiesToRemove") or ():
            properties.pop(name, None)
        if properties:
            self.members["CustomerMetadataProperties"] = properties
        if more := request.get("AdditionalInferenceSpecificationsToAdd"):
            self.members.setdefault("AdditionalInferenceSpecifications", []).extend(more)
        self.changed_at = self._context.clock.now()
        self.tell()

    def tell(self) -> None:
        """Put the present state on the default bus."""
        detail = _plain({**self.describe(), "Tags": {tag["Key"]: tag["Value"] for tag in self.tags}})
        announce(self._context, "aws.sagemaker", EVENT, detail, [self.arn])


def check(context: Context, request: dict[str, Any], groups: dict[str, Any]) -> None:
    """Refuse what the service refuses.

    Raises:
        Refusal: with the code and the message of the answer.
    """
    group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
    if (group is None) == (name is None):
        raise job_checks.invalid("Either ModelPackageName or ModelPackageGroupName is required, and not both.")
    if group is not None and group.rsplit("/", 1)[-1] not in groups:
        raise job_checks.invalid(f"Model Package Group {group} does not exist.")
    approval(request)
    for container in request.get("InferenceSpecification", {}).get("Containers", []):
        if url := container.get("ModelDataUrl"):
            try:
                read(context, url)
            except ServingError:
                raise job_checks.invalid(
                    f"Could not find model data at {url}. Please ensure that the object exists and that the caller may read it."
                ) from None


def approval(request: dict[str, Any]) -> None:
    """The approval status is one of three."""
    status = request.get("ModelApprovalStatus")
    if status is not None and status not in APPROVALS:
        raise job_checks.invalid(
            f"Value '{status}' at 'modelApprovalStatus' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(APPROVALS)}]"
        )


def _plain(value: Any) -> Any:
    """As this event carries it: times as text."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
