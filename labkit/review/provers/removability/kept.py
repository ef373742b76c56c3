"""What stays because the template says so: deletion policies, also those that a type has by default."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.review.evidence import shown
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.removability.costs import Costs
from labkit.review.provers.removability.rules import PURPOSE
from stacks.rules.kit.template import Resource

_KEEPS = ("Retain", "RetainExceptOnCreate")
# What holds data: a row says that it goes.
_STATEFUL = (
    "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::EFS::FileSystem", "AWS::Logs::LogGroup", "AWS::EC2::Volume",
    "AWS::ECR::Repository", "AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::Redshift::Cluster", "AWS::KMS::Key",
    "AWS::SecretsManager::Secret", "AWS::SQS::Queue", "AWS::OpenSearchService::Domain", "AWS::Neptune::DBCluster",
    "AWS::DocDB::DBCluster", "AWS::ElastiCache::ReplicationGroup", "AWS::Kinesis::Stream", "AWS::Glue::Database",
    "AWS::SageMaker::FeatureGroup", "AWS::SageMaker::ModelPackageGroup",
)  # fmt: skip
# Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
_SNAPSHOT_BY_DEFAULT = ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance")


def kept(view: View, costs: Costs) -> Iterator[Finding]:
    """Yield a row for each resource that stays, and for each one with data that goes."""
    for resource in view.template.resources.values():
        policy = _policy(resource, view)
        replaced = view.plain(resource.whole.get("UpdateReplacePolicy"))
        if policy is None:
            said = f"DeletionPolicy of {resource.logical_id} is not one that CloudFormation knows"
            yield Finding(PURPOSE, resource.logical_id, "unknown", said)
        elif policy in _KEEPS:
            said = f"{resource.logical_id} stays (DeletionPolicy {policy}) and {costs.kept(resource.logical_id)}"
            yield Finding(PURPOSE, resource.logical_id, "open", f"{said}. Set it to Delete, or accept it")
        elif policy == "Snapshot":
            how = "by default" if "DeletionPolicy" not in resource.whole else "as DeletionPolicy says"
            said = f"a last snapshot of {resource.logical_id} stays {how}, which {costs.kept(resource.logical_id)}"
            yield Finding(PURPOSE, resource.logical_id, "open", f"{said}. Set DeletionPolicy to Delete, or accept it")
        elif replaced in (*_KEEPS, "Snapshot"):
            said = f"an update that replaces {resource.logical_id} leaves the old one behind (UpdateReplacePolicy {replaced})"
            yield Finding(
                PURPOSE,
                resource.logical_id,
                "open",
                f"{said}, which {costs.kept(resource.logical_id)}",
                level="warning",
            )
        elif resource.type == "AWS::KMS::Key":
            days = shown(resource.properties.get("PendingWindowInDays", 30))
            said = f"{resource.logical_id} is kept by AWS for {days} days, unusable and without charge; then it is gone"
            yield Finding(PURPOSE, resource.logical_id, "pass", said)
        elif resource.type in _STATEFUL:
            yield Finding(PURPOSE, resource.logical_id, "pass", f"{resource.logical_id} is deleted with the stack")


def _policy(resource: Resource, view: View) -> str | None:
    given = resource.whole.get("DeletionPolicy")
    if given is None:
        in_cluster = resource.properties.get("DBClusterIdentifier") is not None
        return "Snapshot" if resource.type in _SNAPSHOT_BY_DEFAULT and not in_cluster else "Delete"
    found = view.plain(given)
    return found if found in (*_KEEPS, "Delete", "Snapshot") else None


def stays(resource: Resource) -> bool:
    """Tell whether a resource is kept, so that what is in it need not go."""
    return resource.whole.get("DeletionPolicy") in _KEEPS
